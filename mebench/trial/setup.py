"""How an attack is set up: what an attacker is given, and the code of its plugin, called through a guard."""

from __future__ import annotations

from torch.nn import Module

from mebench.api.contract import Attack, AttackContext, InputSpec, Pool, ResponseChannel
from mebench.api.errors import VictimFaultError
from mebench.api.random_streams import RandomStreams
from mebench.api.spec import TrialSpec
from mebench.guard.call import Guard
from mebench.guard.wrappers import guarded_attack
from mebench.models.networks.precision import trained_in_bf16
from mebench.models.victims.behaviour import Behaviour
from mebench.models.victims.loading import PreparedVictim
from mebench.registry.catalogue import registry
from mebench.registry.entries import AttackEntry, ChannelEntry


def build_context(
    spec: TrialSpec,
    victim: InputSpec,
    channel: ResponseChannel,
    random: RandomStreams,
    *,
    pool: Pool | None,
    clone: Module,
) -> AttackContext:
    """Put together all that an attacker is given.

    Args:
        spec: of the trial.
        victim: what it takes; nothing else of it is handed on.
        channel: its public description.
        random: the trial's streams; their device is where tensors live.
        pool: unlabelled inputs, if the trial has any.
        clone: as it starts, on the CPU.
    """
    there = clone.to(random.device)
    return AttackContext(
        spec=victim,
        channel=channel,
        budget=spec.budget,
        clone=trained_in_bf16(there) if spec.bf16 else there,
        device=random.device,
        random=random,
        pool=pool,
        compile=spec.compile,
        bf16=spec.bf16,
    )


def check_gradients(spec: TrialSpec, victim: PreparedVictim) -> None:
    """Check, before an attack is built, that a victim can be explained where the channel explains.

    Raises:
        VictimFaultError: it has no gradients.
    """
    if line := unexplained(spec.victim.name, spec.channel.name, victim.behaviour):
        raise VictimFaultError(line)


def unexplained(victim: str, channel: str, behaviour: Behaviour) -> str:
    """Say that a channel cannot explain a victim, by their names; empty if it can, or does not explain."""
    why = behaviour.no_gradient
    explains = why and "explanation" in registry().get(ChannelEntry, channel).gives
    return f"victim {victim!r}: {why}; {channel} explains nothing" if explains else ""


def build_attack(spec: TrialSpec, context: AttackContext, guard: Guard) -> Attack:
    """Build the attack that a spec names.

    Raises:
        PluginFaultError: its code failed, or returned no `Attack`.
    """
    entry = registry().get(AttackEntry, spec.attack.name)
    attack = entry.call(context, given=spec.attack.parameters, through=guard)
    return guarded_attack(guard, attack, context.device)
