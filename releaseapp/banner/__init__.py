"""What everybody sees of maintenance: the banner on every page, the page that says more, and the form of operators."""
