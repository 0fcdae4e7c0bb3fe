"""The outbox of one decision on several calls: what follows from it is planned once for all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from typing_extensions import override

from countersign.approvals.decisions.handoff import Handoff
from countersign.approvals.decisions.outbox import Outbox
from countersign.approvals.decisions.sharing import Sharing
from countersign.approvals.forms.told import Told, stacked
from countersign.approvals.models import Placing, Request, Session
from countersign.approvals.ports import Jobs, Unit


class OneOutbox(Outbox):
    """Of one transaction: keeps what its votes lead to until all of it is known."""

    def __init__(
        self, jobs: Jobs, placings: Mapping[str, Placing], handoff: Handoff, sharing: Sharing
    ):
        super().__init__(jobs, placings, handoff, sharing)
        self._moved: list[Request] = []
        self._told: list[Told | str] = []
        self._over: list[Request] = []

    @override
    def show(
        self,
        unit: Unit,
        session: Session,
        requests: Iterable[Request],
        *,
        anew: bool = False,
        said: Sequence[Told | str] | None = (),
    ) -> None:
        self._moved += requests
        self._told += said or ()

    @override
    def changed(self, unit: Unit, request: Request) -> None:
        """It is among those that were shown."""

    @override
    def tell(
        self,
        unit: Unit,
        session: Session,
        told: Told | str | Callable[[], Told | str],
        *,
        progress: bool = False,
    ) -> None:
        if session.conversation is not None:
            self._told.append(told() if callable(told) else told)

    @override
    def decided(self, unit: Unit, request: Request) -> None:
        self._over.append(request)

    def settle(self, unit: Unit, session: Session, batch: Sequence[Request]) -> None:
        """Plan it all, once what it follows from is written; `batch` is the whole checkpoint."""
        if self._moved:
            super().show(unit, session, self._moved, said=[stacked(self._told)])
            self._touched(unit, [each.id for each in self._moved], unit.now)
        else:
            super().tell(unit, session, stacked(self._told), progress=True)
        if self._over:
            self._decided(unit, self._over, batch)
