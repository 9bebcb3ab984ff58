"""dlt's: a rest_api pipeline with an incremental cursor, merging by primary key, in dlt's own environment."""

from pathlib import Path

from benchmarks.dlt_environment import dlt_python, environment
from benchmarks.extract.beside import PROPERTIES
from benchmarks.fault_matrix.verdicts import Repair, Run, contact
from benchmarks.processes import StandIns, measured

PIPELINE = Path(__file__).parents[1] / "dlt_merge_pipeline.py"


class Dlts:
    """Loads by running the pipeline."""

    title, repair = "dlt `rest_api`", 'dlt: `refresh="drop_sources"`'
    name = "dlt"

    def __init__(self, home: Path, stand_ins: StandIns) -> None:
        self._home, self._vendor = home, stand_ins.vendors["hubspot"]

    def load(self) -> Run:
        """An ordinary run of the pipeline."""
        return self._run()

    def repairs(self) -> list[Repair]:
        """Drop what was loaded and the cursor, and read everything again."""
        return [Repair("reading everything again", self._run("--refresh"))]

    def _run(self, *options: str) -> Run:
        arguments = [self._vendor["url"], self._vendor["token"], PROPERTIES, self._home, *options]
        answer = measured([dlt_python(), "-P", PIPELINE, *arguments], environment=environment(self._home))
        return Run({row[0]: contact(*row[1:]) for row in answer["rows"]}, answer["said"])
