"""A policy of a finance and sales team, and what it says of many calls: the rule that rules.

Each block is a tool, and under it one call a line: the arguments (and, after `@`, what is around
the call), then the effect and the rule; `fails` is a deny because its condition cannot be decided.
"""

from __future__ import annotations

POLICY = """
calendars:
  office: {zone: Europe/Berlin, hours: "09:00-17:00", holidays: DE-BE}
reversibility: {read_account: read_only, read_orders: read_only, update_stage: reversible,
  send_email: externally_reversible, pay_refund: irreversible, wire: irreversible}
rules:
  - {id: freeze, tool: [wire, pay_refund], when: 'agent == "intern"', effect: deny,
     reason: The intern agent pays nobody.}
  - {id: refund-negative, tool: pay_refund, when: args.amount <= 0, effect: deny}
  - {id: refund-small, tool: pay_refund, when: 'args.amount <= 50.0 && args.currency == "EUR"',
     effect: allow}
  - {id: refund-other, tool: pay_refund, when: 'args.currency != "EUR"', effect: require_approval,
     roles: [treasury]}
  - {id: refund-large, tool: pay_refund, when: args.amount > 5000, effect: require_approval,
     stages: [{roles: [manager]}, {roles: [controller], quorum: 2}], risk: high, deadline: 2d}
  - {id: refund, tool: pay_refund, effect: require_approval, roles: [manager], deadline: 1d}
  - {id: wire-mixed, tool: wire, when: 'money(args.sum) > money(10000, "EUR")',
     effect: require_approval, roles: [controller]}
  - {id: wire-night, tool: wire, when: '!business_time("office")', effect: deny}
  - {id: wire-lead, tool: wire, when: '"lead" in requester.roles', effect: allow}
  - {id: wire, tool: wire, effect: require_approval, roles: [manager]}
  - {id: mail-inside, tool: send_email,
     when: 'args.to.all(t, t.lowerAscii().endsWith("@contoso.example"))', effect: allow}
  - {id: mail-many, tool: send_email, when: args.to.size() > 3, effect: deny}
  - {id: mail-note, tool: send_email, when: 'args.note != null && args.note.contains("urgent")',
     effect: require_approval, roles: [lead], deadline: 30m}
  - {id: mail, tool: send_email, effect: require_approval, roles: [sales]}
  - {id: order-total, tool: place_order, when: 'args.lines.map(l, l.price * l.count).sum() > 1000',
     effect: require_approval, roles: [manager]}
  - {id: order-empty, tool: place_order, when: 'args.lines.size() == 0', effect: deny}
  - {id: order-shadow, tool: place_order, when: 'workflow == "pilot"', effect: shadow}
  - {id: order, tool: place_order, effect: allow}
  - {id: reads, tool: "read_*", when: 'tool.reversibility == "read_only"', effect: allow}
  - {id: share, tool: split, when: args.total / args.parts > 3, effect: deny}
  - {id: share-left, tool: split, when: args.total % args.parts != 0, effect: shadow}
tools:
  split: allow
  update_stage: allow
  drop_table: {effect: deny, reason: Never from an agent.}
  read_secrets: {effect: require_approval, roles: [security]}
"""

TABLE = """
pay_refund
  {amount: 0, currency: EUR} -> deny refund-negative
  {amount: -1, currency: EUR} -> deny refund-negative
  {amount: -0.01, currency: USD} -> deny refund-negative
  {amount: -0.0, currency: EUR} -> deny refund-negative
  {amount: 0.01, currency: EUR} -> allow refund-small
  {amount: 0.1, currency: EUR} -> allow refund-small
  {amount: 1, currency: EUR} -> allow refund-small
  {amount: 49.99, currency: EUR} -> allow refund-small
  {amount: 50, currency: EUR} -> allow refund-small
  {amount: 50.0, currency: EUR} -> allow refund-small
  {amount: 50.000000000000001, currency: EUR} -> allow refund-small
  {amount: 50.00000000000001, currency: EUR} -> require_approval refund
  {amount: 50.01, currency: EUR} -> require_approval refund
  {amount: 51, currency: EUR} -> require_approval refund
  {amount: 4999.99, currency: EUR} -> require_approval refund
  {amount: 5000, currency: EUR} -> require_approval refund
  {amount: 5000.0, currency: EUR} -> require_approval refund
  {amount: 5000.01, currency: EUR} -> require_approval refund-large
  {amount: 5001, currency: EUR} -> require_approval refund-large
  {amount: 9007199254740993, currency: EUR} -> require_approval refund-large
  {amount: 123456789012345678901234567890, currency: EUR} -> require_approval refund-large
  {amount: 1.0e+300, currency: EUR} -> require_approval refund-large
  {amount: 1.0e-300, currency: EUR} -> allow refund-small
  {amount: 1, currency: USD} -> require_approval refund-other
  {amount: 50, currency: USD} -> require_approval refund-other
  {amount: 9000, currency: USD} -> require_approval refund-other
  {amount: 1, currency: eur} -> require_approval refund-other
  {amount: 1, currency: "EUR "} -> require_approval refund-other
  {amount: 1, currency: ""} -> require_approval refund-other
  {amount: "1", currency: EUR} -> fails refund-negative
  {amount: "50.0", currency: EUR} -> fails refund-negative
  {amount: null, currency: EUR} -> fails refund-negative
  {amount: true, currency: EUR} -> fails refund-negative
  {amount: [1], currency: EUR} -> fails refund-negative
  {amount: {value: 1}, currency: EUR} -> fails refund-negative
  {currency: EUR} -> fails refund-negative
  {} -> fails refund-negative
  {amount: 1} -> fails refund-small
  {amount: 51} -> fails refund-other
  {amount: 51, currency: null} -> require_approval refund-other
  {amount: 51, currency: 5} -> require_approval refund-other
  {amount: 1, currency: EUR} @ agent=intern -> deny freeze
  {amount: 9000, currency: EUR} @ agent=intern -> deny freeze
  {} @ agent=intern -> deny freeze
  {amount: 1, currency: EUR} @ agent=Intern -> allow refund-small
  {amount: 1, currency: EUR} @ agent=interns -> allow refund-small
  {amount: 1, currency: EUR} @ at=2026-12-25T03:00:00Z -> allow refund-small
wire
  {sum: {amount: 100, currency: EUR}} -> require_approval wire
  {sum: {amount: 10000, currency: EUR}} -> require_approval wire
  {sum: {amount: 10000.00, currency: EUR}} -> require_approval wire
  {sum: {amount: "10000.00", currency: EUR}} -> require_approval wire
  {sum: {amount: 10000.01, currency: EUR}} -> require_approval wire-mixed
  {sum: {amount: "10000.01", currency: EUR}} -> require_approval wire-mixed
  {sum: {amount: 100, currency: USD}} -> fails wire-mixed
  {sum: {amount: 10001, currency: USD}} -> fails wire-mixed
  {sum: {amount: 100, currency: eur}} -> fails wire-mixed
  {sum: {amount: 100, currency: EURO}} -> fails wire-mixed
  {sum: {amount: 100, currency: null}} -> fails wire-mixed
  {sum: {amount: null, currency: EUR}} -> fails wire-mixed
  {sum: {amount: "ten", currency: EUR}} -> fails wire-mixed
  {sum: {amount: "1,000", currency: EUR}} -> fails wire-mixed
  {sum: {amount: "1e9", currency: EUR}} -> fails wire-mixed
  {sum: {amount: true, currency: EUR}} -> fails wire-mixed
  {sum: {amount: 100}} -> fails wire-mixed
  {sum: {currency: EUR}} -> fails wire-mixed
  {sum: 100} -> fails wire-mixed
  {sum: null} -> fails wire-mixed
  {} -> fails wire-mixed
  {sum: {amount: 100, currency: EUR}} @ roles=lead -> allow wire-lead
  {sum: {amount: 100, currency: EUR}} @ roles=lead,rep -> allow wire-lead
  {sum: {amount: 100, currency: EUR}} @ roles=leader -> require_approval wire
  {sum: {amount: 100, currency: EUR}} @ roles=Lead -> require_approval wire
  {sum: {amount: 10001, currency: EUR}} @ roles=lead -> require_approval wire-mixed
  {sum: {amount: 100, currency: EUR}} @ roles=lead agent=intern -> deny freeze
  {sum: {amount: 100, currency: EUR}} @ at=2026-12-01T07:59:59Z -> deny wire-night
  {sum: {amount: 100, currency: EUR}} @ at=2026-12-01T08:00:00Z -> require_approval wire
  {sum: {amount: 100, currency: EUR}} @ at=2026-12-01T15:59:59Z -> require_approval wire
  {sum: {amount: 100, currency: EUR}} @ at=2026-12-01T16:00:00Z -> deny wire-night
  {sum: {amount: 100, currency: EUR}} @ at=2026-12-01T17:30:00+02:00 -> require_approval wire
  {sum: {amount: 100, currency: EUR}} @ at=2026-12-01T17:30:00+09:00 -> require_approval wire
  {sum: {amount: 100, currency: EUR}} @ at=2026-12-01T12:30:00-08:00 -> deny wire-night
  {sum: {amount: 100, currency: EUR}} @ at=2026-07-01T07:00:00Z -> require_approval wire
  {sum: {amount: 100, currency: EUR}} @ at=2026-07-01T15:30:00Z -> deny wire-night
  {sum: {amount: 100, currency: EUR}} @ at=2026-12-05T10:00:00Z -> deny wire-night
  {sum: {amount: 100, currency: EUR}} @ at=2026-12-25T10:00:00Z -> deny wire-night
  {sum: {amount: 100, currency: EUR}} @ at=2027-03-08T10:00:00Z -> deny wire-night
  {sum: {amount: 100, currency: EUR}} @ at=2026-12-25T10:00:00Z roles=lead -> deny wire-night
  {sum: {amount: 10001, currency: EUR}} @ at=2026-12-25T10:00:00Z -> require_approval wire-mixed
  {sum: {amount: 100, currency: EUR}} @ at= -> fails wire-night
  {sum: {amount: 100, currency: EUR}} @ roles= -> fails wire-lead
send_email
  {to: [a@contoso.example], note: null} -> allow mail-inside
  {to: [A@CONTOSO.EXAMPLE], note: null} -> allow mail-inside
  {to: [a@contoso.example, b@contoso.example], note: urgent} -> allow mail-inside
  {to: [], note: null} -> allow mail-inside
  {to: [a@contoso.example.evil], note: null} -> require_approval mail
  {to: [a@contoso.example, x@other.example], note: null} -> require_approval mail
  {to: [x@other.example], note: null} -> require_approval mail
  {to: [x@other.example], note: calm} -> require_approval mail
  {to: [x@other.example], note: "most urgent!"} -> require_approval mail-note
  {to: [x@other.example], note: URGENT} -> require_approval mail
  {to: [x@other.example], note: ""} -> require_approval mail
  {to: [x@other.example]} -> fails mail-note
  {to: [x@other.example], note: 5} -> fails mail-note
  {to: [x@other.example, 5], note: null} -> require_approval mail
  {to: [5, x@other.example], note: null} -> require_approval mail
  {to: [a@contoso.example, 5], note: null} -> fails mail-inside
  {to: [5], note: null} -> fails mail-inside
  {to: [null], note: null} -> fails mail-inside
  {to: a@contoso.example, note: null} -> fails mail-inside
  {to: null, note: null} -> fails mail-inside
  {note: null} -> fails mail-inside
  {to: [x@o.example, y@o.example, z@o.example], note: null} -> require_approval mail
  {to: [x@o.example, y@o.example, z@o.example, q@o.example], note: null} -> deny mail-many
  {to: [x@o.example, y@o.example, z@o.example, q@o.example], note: urgent} -> deny mail-many
place_order
  {lines: [{price: 10, count: 2}]} -> allow order
  {lines: [{price: 1000, count: 1}]} -> allow order
  {lines: [{price: 1000.0, count: 1}]} -> allow order
  {lines: [{price: 1000.01, count: 1}]} -> require_approval order-total
  {lines: [{price: 333.33, count: 3}, {price: 0.01, count: 1}]} -> allow order
  {lines: [{price: 333.33, count: 3}, {price: 0.02, count: 1}]} -> require_approval order-total
  {lines: [{price: 0.1, count: 10000}]} -> allow order
  {lines: [{price: 0.1, count: 10001}]} -> require_approval order-total
  {lines: [{price: -5, count: 1}]} -> allow order
  {lines: []} -> deny order-empty
  {lines: [{price: 10}]} -> fails order-total
  {lines: [{price: "10", count: 1}]} -> fails order-total
  {lines: [{price: null, count: 1}]} -> fails order-total
  {lines: [{price: true, count: 1}]} -> fails order-total
  {lines: [5]} -> fails order-total
  {lines: null} -> fails order-total
  {lines: {price: 10, count: 1}} -> fails order-total
  {lines: "many"} -> fails order-total
  {} -> fails order-total
  {lines: [{price: 10, count: 2}]} @ workflow=pilot -> shadow order-shadow
  {lines: []} @ workflow=pilot -> deny order-empty
  {lines: [{price: 2000, count: 1}]} @ workflow=pilot -> require_approval order-total
  {lines: [{price: 10, count: 2}]} @ workflow=Pilot -> allow order
  {lines: [{price: 10, count: 2}]} @ workflow= -> fails order-shadow
read_account
  {} -> allow reads
  {id: 5} -> allow reads
  {} @ agent=intern -> allow reads
read_orders
  {} -> allow reads
read_salaries
  {} -> deny unknown-tool
read_secrets
  {} -> require_approval tools.read_secrets
  {name: x} @ roles=lead -> require_approval tools.read_secrets
read_
  {} -> deny unknown-tool
Read_account
  {} -> deny unknown-tool
split
  {total: 6, parts: 2} -> allow tools.split
  {total: 7, parts: 2} -> shadow share-left
  {total: 8, parts: 2} -> deny share
  {total: -7, parts: 2} -> shadow share-left
  {total: -8, parts: 2} -> allow tools.split
  {total: 7.0, parts: 2} -> shadow share-left
  {total: 8, parts: 0} -> fails share
  {total: 0, parts: 0} -> fails share
  {total: 7.5, parts: 2} -> fails share
  {total: "8", parts: 2} -> fails share
  {parts: 2} -> fails share
update_stage
  {} -> allow tools.update_stage
  {stage: won} @ agent=intern -> allow tools.update_stage
drop_table
  {} -> deny tools.drop_table
  {name: users} @ roles=lead -> deny tools.drop_table
format_disk
  {} -> deny unknown-tool
  {amount: 1, currency: EUR} -> deny unknown-tool
PAY_REFUND
  {amount: 1, currency: EUR} -> deny unknown-tool
pay_refunds
  {amount: 1, currency: EUR} -> deny unknown-tool
"""

NUMBER, TEXT = {"type": "number"}, {"type": "string"}
SCHEMAS: dict[str, dict[str, object]] = {
    "pay_refund": {"amount": NUMBER, "currency": TEXT},
    "wire": {
        "sum": {
            "type": "object",
            "properties": {"amount": {"anyOf": [NUMBER, TEXT]}, "currency": TEXT},
        }
    },
    "send_email": {
        "to": {"type": "array", "items": TEXT},
        "note": {"anyOf": [TEXT, {"type": "null"}]},
    },
    "place_order": {
        "lines": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"price": NUMBER, "count": {"type": "integer"}},
            },
        }
    },
    "split": {"total": {"type": "integer"}, "parts": {"type": "integer"}},
    "read_account": {},
    "read_orders": {},
    "read_salaries": {},
}
