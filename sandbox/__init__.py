"""Local stand-ins for vendors' APIs over one generated business; imports nothing else of this project."""

from sandbox.server import Running, running, serve
from sandbox.switches import Fault, Switches
from sandbox.world import World

__all__ = ["Fault", "Running", "Switches", "World", "running", "serve"]
