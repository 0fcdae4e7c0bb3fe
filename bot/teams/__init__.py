"""Microsoft Teams: the Bot Framework endpoint, the cards, and the channel.

Read in this order: `activities` (what arrives), `cards` (what people see), `channel` (what we
post), `adapter` (the one module that drives the vendor's adapter).
"""
