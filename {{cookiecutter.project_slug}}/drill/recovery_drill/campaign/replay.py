"""Replay: what a schedule says, once more, as often as wanted."""

from pathlib import Path

import msgspec

from recovery_drill.campaign.run import Progress, run, subject_of
from recovery_drill.failures import Inconclusive
from recovery_drill.play.case import play_undisturbed
from recovery_drill.play.ground import Ground
from recovery_drill.record.schedule import Case, Schedule
from recovery_drill.record.verdict import Verdict


async def replay(
    ground: Ground, schedule: Schedule, folder: Path, *, times: int, jobs: int, tell: Progress
) -> Verdict:
    """Play the cases of a schedule again, each compared with one undisturbed play of its scenario.

    Raises
    ------
    Inconclusive
        If the undisturbed play fails.

    """
    cases: list[Case] = []
    references: dict[str, str] = {}
    for number, case in enumerate(schedule.cases, start=1):
        wanted = f"{case.scenario} {sorted(case.options.items())}"
        if case.reference and wanted not in references:
            references[wanted] = name = f"reference-{len(references) + 1}"
            (folder / name).mkdir()
            scenario = subject_of(case).scenario
            ending = await play_undisturbed(ground, scenario, folder / name)
            if ending.failure:
                raise Inconclusive(ending.failure)
        reference = references[wanted] if case.reference else ""
        for turn in range(1, times + 1):
            again = f"{case.name}, {turn} of {times}" if times > 1 else case.name
            place = f"{number}-{turn}"
            cases.append(
                msgspec.structs.replace(case, name=again, folder=place, reference=reference)
            )
    played = tuple(cases)
    schedule = msgspec.structs.replace(schedule, cases=played, machine=ground.machine)
    return await run(ground, schedule, folder, jobs, tell)
