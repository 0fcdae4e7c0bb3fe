"""DocuSign's eSignature REST API, version 2.1, as far as envelopes are sent, found and voided."""

from countersign.sandbox.docusign.server import ACCOUNT, TOKEN, DocuSign

__all__ = ["ACCOUNT", "TOKEN", "DocuSign"]
