"""The Bot Framework connector and the people behind it: what Teams is to a bot, without Teams."""

from sandbox.botframework.cards import CardError
from sandbox.botframework.client import Answer, BotUnreachableError
from sandbox.botframework.people import PEOPLE, TENANT_ID, Person
from sandbox.botframework.server import BotFramework
from sandbox.botframework.tokens import TokenIssuer
from sandbox.botframework.world import Conversation, Message

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
