"""What tests start: nothing of it is left when they are killed themselves."""

from __future__ import annotations

import sys
from pathlib import Path
from subprocess import PIPE, Popen

from tests.processes import ROOT, until

RUN = """
import sys, time
from pathlib import Path
from tests.processes import Process, stand_in, until
folder = Path(sys.argv[1])
forked = stand_in("crm", folder, "--db", str(folder / "crm.db"))
forked.first_json()
program = Process("program", ["sleep", "600"], folder, {})
program.start()
comm = Path(f"/proc/{program.pid}/comm")
until(lambda: comm.read_text() == "sleep\\n", "it to be bound to this")
print(forked.pid, program.pid, flush=True)
time.sleep(600)
"""


def runs(pid: int) -> bool:
    """Whether it is there and has not ended: who has no parent any more may stay as a zombie."""
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rpartition(") ")[2][:1] != "Z"
    except FileNotFoundError:
        return False


def test_stand_ins_and_programs_end_with_a_run_that_is_killed(tmp_path: Path) -> None:
    with Popen([sys.executable, "-c", RUN, str(tmp_path)], cwd=ROOT, stdout=PIPE, text=True) as run:
        assert run.stdout is not None
        pids = [int(pid) for pid in run.stdout.readline().split()]
        before = [runs(pid) for pid in pids]
        run.kill()

    assert [True, True] == before
    until(lambda: not any(map(runs, pids)), "both to end")
