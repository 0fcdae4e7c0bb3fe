"""The ERP's API, as the tools of financial_report need it."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from countersign.examples.back_office import BackOfficeError, Rest, path_of, setting
from countersign.examples.report_figures import Figures, Line
from countersign.examples.report_files import Words


@dataclass(frozen=True)
class Erp:
    """Books, and the reports that were signed off."""

    api: Rest

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Erp:
        """Reads `erp_url` and `erp_api_key`."""
        key = str(setting(settings, "erp_api_key"))
        return cls(Rest("ERP", str(setting(settings, "erp_url")), key))

    async def figures(self, period: str, version: int | None = None) -> Figures:
        """A month. Raises BackOfficeError if its books are not at this entry any more."""
        figures = Figures.of(await self.api.read(path_of("periods", period, "balances")))
        if version not in (None, figures.ledger_version):
            raise BackOfficeError(
                f"The books of {period} have changed: they are at entry {figures.ledger_version}, "
                f"not {version}. Nothing was filed; the figures must be read again."
            )
        return figures

    async def lines(self, period: str, accounts: Sequence[str]) -> list[Line]:
        """The journal lines of these accounts."""
        found: list[Line] = []
        for account in accounts:
            answer = await self.api.read(path_of("periods", period, "lines", account))
            names = ("entry", "account", "amount_cents", "text", "posted_by")
            found += [Line(**{name: each[name] for name in names}) for each in answer["lines"]]
        return found

    async def recipients(self) -> list[str]:
        """Who gets reports."""
        found: list[str] = (await self.api.read("/recipients"))["recipients"]
        return found

    async def file(
        self, figures: Figures, words: Words, files: Mapping[str, bytes], key: str
    ) -> dict[str, Any]:
        """File a report; refused if the books have changed."""
        body = {
            "period": figures.period,
            "ledger_version": figures.ledger_version,
            "headline": words.headline,
            "commentary": words.commentary,
            "files": {name: base64.b64encode(data).decode() for name, data in files.items()},
        }
        return await self.api.write("POST", "/reports", body, key)

    async def report(self, report_id: int) -> dict[str, Any]:
        """A report, with the SHA-256 of its files by name."""
        return await self.api.read(path_of("reports", str(report_id)))

    async def download(self, report_id: int, name: str) -> bytes:
        """A file of a report."""
        path = path_of("reports", str(report_id), "files", name)
        return (await self.api.read_file(path)).content

    async def distributed(self, report_id: int, message_id: str, key: str) -> None:
        """Note that it was sent."""
        path = path_of("reports", str(report_id), "distribution")
        await self.api.write("POST", path, {"message_id": message_id}, key)

    async def withdraw(self, report_id: int, reason: str, key: str) -> None:
        """Take a report back that was not distributed."""
        path = path_of("reports", str(report_id), "withdrawal")
        await self.api.write("POST", path, {"reason": reason}, key)
