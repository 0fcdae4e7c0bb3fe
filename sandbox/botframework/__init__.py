"""The Bot Framework connector and the people behind it: what Teams is to a bot, without Teams."""

from countersign.sandbox.botframework.answers import Answer, BotUnreachableError
from countersign.sandbox.botframework.cards import CardError
from countersign.sandbox.botframework.people import PEOPLE, TENANT_ID, Person
from countersign.sandbox.botframework.server import BotFramework
from countersign.sandbox.botframework.tokens import TokenIssuer
from countersign.sandbox.botframework.world import Conversation, Message

__all__ = [
    "PEOPLE",
    "TENANT_ID",
    "Answer",
    "BotFramework",
    "BotUnreachableError",
    "CardError",
    "Conversation",
    "Message",
    "Person",
    "TokenIssuer",
]
