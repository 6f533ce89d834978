"""The trials of a search: none lost, none twice, and the same after a kill."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("optuna")

from ledger_process import CURVES, made_up, work

from tfedge.pipeline.budget import Budget
from tfedge.pipeline.search.ledger import Ledger, trial_of
from tfedge.pipeline.search.locks import lives
from tfedge.pipeline.search.optuna_door import open_study, quiet
from tfedge.pipeline.search.plan import Plan
from tfedge.pipeline.search.space import PLAIN, Space, key_of

PROCESS = Path(__file__).with_name("ledger_process.py")
SPACE = Space("int8", 0.1, 1.0, (0.0,), (0,), 4, False, {})


def begin(*arguments):
    command = [sys.executable, str(PROCESS), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def told(entries):
    return [(one.place, one.why, key_of(one.choice), one.state) for one in entries]


def test_two_processes_share_trials_and_lose_none(tmp_path):
    both = [begin(tmp_path, 16) for _ in range(2)]
    places = [list(map(int, one.communicate(timeout=120)[0].split())) for one in both]
    assert [one.returncode for one in both] == [0, 0]
    assert sorted(places[0] + places[1]) == list(range(16))
    assert min(map(len, places)) > 0
    entries = work(tmp_path, 16)[1]
    assert [one.place for one in entries] == list(range(16))
    assert len({key_of(one.choice) for one in entries}) == 16
    assert {one.state for one in entries} == {"complete"}


@pytest.mark.parametrize("killed_at", [0, 2, 9])
def test_a_killed_search_goes_on_as_if_it_had_not_been(tmp_path, killed_at):
    process = begin(tmp_path / "killed", 12, killed_at)
    assert process.communicate(timeout=120)[0] == "" and process.returncode == -9
    places, entries = work(tmp_path / "killed", 12)
    assert places == list(range(killed_at, 12))
    assert told(entries) == told(work(tmp_path / "whole", 12)[1])


def test_order_plain_walk_then_sampler(tmp_path):
    entries = work(tmp_path, 12)[1]
    assert entries[0].why == "plain" and entries[0].choice == PLAIN
    walk = [one for one in entries if one.why == "walk"]
    allowed = [made_up(one.choice, Budget(accuracy_drop=0.03)).met for one in walk]
    shares = [one.choice["channels"] for one in walk]
    assert shares[:3] == [0.7, 0.4, 0.1] and allowed[:3] == [True, True, False]
    assert shares[3] == 0.25 and all(0.25 <= share <= 0.4 for share in shares[4:])
    assert {one.why for one in entries[1 + len(walk) :]} == {"search"}


def test_what_is_interrupted_is_taken_again(tmp_path):
    ledger = Ledger(tmp_path, ("size_bytes",), "tpe", seed=0)
    plan = Plan(Budget(accuracy_drop=0.03), SPACE, CURVES)
    taken = ledger.take(SPACE, plan)
    ledger.give_back(taken)
    assert ledger.entries() == []
    again = ledger.take(SPACE, plan)
    assert (again.place, again.choice) == (taken.place, taken.choice)
    ledger.stop(again, "failed", "no file", 1.0)
    [entry] = ledger.entries()
    trial = trial_of(entry, SPACE)
    assert (trial.state, trial.note, trial.measured) == ("failed", "no file", None)
    ledger.close()


def test_trials_of_a_process_that_is_gone_are_taken_by_those_at_work(tmp_path):
    plan = Plan(Budget(accuracy_drop=0.03), SPACE, CURVES)
    stays, goes = (Ledger(tmp_path, ("size_bytes",), "tpe", seed=0) for _ in range(2))
    lost = goes.take(SPACE, plan)
    assert [one.state for one in stays.entries()] == ["running"]
    goes.close()
    taken = stays.take(SPACE, plan)
    assert (taken.place, taken.choice, taken.why) == (lost.place, lost.choice, "plain")
    assert len(stays.entries()) == 1
    stays.close()


def test_signs_of_life_end_with_the_process(tmp_path):
    code = "import sys, time; from pathlib import Path\n"
    code += "from tfedge.pipeline.search.locks import Sign\n"
    code += "sign = Sign(Path(sys.argv[1])); print(sign.name, flush=True); time.sleep(60)"
    command = [sys.executable, "-c", code, str(tmp_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    name = process.stdout.readline().strip()
    assert lives(tmp_path, name)
    process.kill()
    process.communicate()
    assert not lives(tmp_path, name)


def test_a_journal_with_half_a_line_is_mended(tmp_path):
    work(tmp_path, 3)
    journal = tmp_path / "journal.log"
    whole = journal.read_bytes()
    journal.write_bytes(whole + b'{"op_code": 5, "work')
    with quiet():
        assert len(open_study(journal, 2).trials) >= 3
    assert journal.read_bytes()[: len(whole)] == whole
    assert len(work(tmp_path, 4)[1]) == 4


def test_a_small_space_ends_the_search(tmp_path):
    space = Space("int8", 1.0, 1.0, (0.0,), (0,), 0, False, {"channels": "none can go"})
    ledger = Ledger(tmp_path, ("size_bytes",), "tpe", seed=0)
    plan = Plan(Budget(accuracy_drop=0.03), space, CURVES)
    ledger.complete(taken := ledger.take(space, plan), made_up(PLAIN, plan.budget), 0.0)
    assert taken.choice == PLAIN
    assert ledger.take(space, plan) is None
    ledger.close()
