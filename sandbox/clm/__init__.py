"""Contract lifecycle management in the shape of Ironclad's API: workflows, documents, versions."""

from countersign.sandbox.clm.server import TOKEN, Clm

__all__ = ["TOKEN", "Clm"]
