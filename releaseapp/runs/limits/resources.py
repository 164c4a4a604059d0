"""The node of the tree that stands for a workspace's settings."""

from releaseapp.web.resources import Resource


class SettingsNode(Resource):
    """``/workspaces/{…}/settings``."""
