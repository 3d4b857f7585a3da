"""The files that a campaign's plan asks for; whatever else lies in its folder is not its own."""

from __future__ import annotations

from escalation.parameters.posterior import Posterior, coverage
from escalation.simulation.campaign_plan import CampaignPlan
from escalation.simulation.stored import block_file, parameters_file
from escalation.simulation.workload import Work, companion_size, sweep_part, sweep_size
from escalation.study import Study


def asked_blocks(plan: CampaignPlan, study: Study, source: Posterior | None) -> dict[str, int]:
    """Return the size of every block that the plan asks for, by its file."""
    work = Work(study, plan.sizes, plan.block_size)
    blocks = work.all(plan.sweep, _companion(study, source))
    return {block_file(block): block.size for block in blocks}


def asked_files(plan: CampaignPlan, study: Study, source: Posterior | None) -> set[str]:
    """Return every file of blocks and of parameter values that the plan asks for."""
    files = set(asked_blocks(plan, study, source))
    for size in plan.sizes:
        parts = {"study": size[0]}
        if _companion(study, source):
            parts["prior"] = companion_size(size)[0]
        if plan.sweep:
            parts |= {sweep_part(name): sweep_size(size)[0] for name in study.compare.sweep}
        files |= {parameters_file(part, draws) for part, draws in parts.items()}
    return files


def _companion(study: Study, source: Posterior | None) -> bool:
    return bool(coverage(study.parameters, source).covered)
