"""The leak scanner: decodes whatever was written and looks for personal values in it.

It only reads, and its report never holds a value. What it cannot see is listed in
``docs/leak-scanner.md``.
"""

from cdp_pipelines.scan.report import Finding, ScanReport, Skipped
from cdp_pipelines.scan.scanning import scan, scan_patterns

__all__ = ["Finding", "ScanReport", "Skipped", "scan", "scan_patterns"]
