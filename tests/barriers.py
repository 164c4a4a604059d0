"""What axe-core looks for on every page: WCAG 2.2 AA and what is good practice besides."""

RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
}


def barriers_on(page, where):
    """A line for each thing on the page that keeps somebody from using it; ``where`` names the page."""
    # Loaded when it is needed: it is not there where no browser is.
    from axe_playwright_python.sync_playwright import Axe

    return [
        f"{where}: {fault['id']}: {node['target']} {node['failureSummary']}"
        for fault in Axe().run(page, options=RULES).response["violations"]
        for node in fault["nodes"]
    ]
