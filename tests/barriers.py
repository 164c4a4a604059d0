"""What axe-core looks for on every page: WCAG 2.2 AA and what is good practice besides."""

RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
}
