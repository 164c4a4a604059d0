"""How many runs may be at work at once, and the page on which a workspace says this and how long its runs are kept."""
