#!/usr/bin/env bash
# saq 0.26.4 (redis 7.4.1 client, fakeredis 2.41.0 in place of a server), Python 3.11; run on 2026-11-30.
#
# A function pays under an idempotency key, pay(ctx, *, amount, key=None), another one pages who is on call,
# page(ctx, *, text, priority="low"). Both are put into a queue by name: enqueue("pay", amount=100, key="REQ-42"),
# enqueue("page", text="Payments wait", priority="high").
# Expected: the functions get what they were given, as with other arguments, or an error says that a name is taken.
# What happens: every argument whose name is that of a property of a job (key, priority, timeout, retries, error, result,
# meta, progress, attempts, scheduled, ttl and others) is taken for the property and is not passed on. The functions run
# with their defaults: the payment has no key, the page is low. No warning; the job ends as complete. Without a default it
# is a TypeError in the worker, and `status` is a KeyError at once, so that most names of this kind are found out, and
# these are not.
# Who is hurt: functions with optional arguments of such names. A payment that is tried again is a second payment, since
# the key was the queue's, and an alarm arrives as a notice. Called without the queue, as in a test, both are right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "saq==0.26.4" "redis==7.4.1" "fakeredis[lua]==2.41.0" "typing_extensions"
cat >"$folder/work.py" <<'PYTHON'
import asyncio

from fakeredis import FakeAsyncRedis
from saq import Worker
from saq.queue.redis import RedisQueue

ran = []


async def pay(ctx, *, amount, key=None):
    ran.append(("pay", amount, key))


async def page(ctx, *, text, priority="low"):
    ran.append(("page", text, priority))


class Queue(RedisQueue):
    async def version(self):
        return (7, 0, 0)  # the stand-in has no command for it


async def main():
    await pay({}, amount=100, key="REQ-42")
    await page({}, text="Payments wait", priority="high")
    direct = list(ran)
    ran.clear()
    queue = Queue(FakeAsyncRedis(version=(7,)))
    jobs = [
        await queue.enqueue("pay", amount=100, key="REQ-42"),
        await queue.enqueue("page", text="Payments wait", priority="high"),
    ]
    worker = Worker(queue, functions=[pay, page], dequeue_timeout=1)
    for _ in jobs:
        await worker.process()
    for job in jobs:
        await job.refresh()
    print(f"called: {direct}")
    print(f"queued: {ran}, {[str(job.status) for job in jobs]}")
    wanted = [("pay", 100, "REQ-42"), ("page", "Payments wait", "high")]
    lost = [("pay", 100, None), ("page", "Payments wait", "low")]
    return direct == wanted and ran == lost and all(job.error is None for job in jobs)


raise SystemExit(0 if asyncio.run(asyncio.wait_for(main(), 30)) else 1)
PYTHON
"$folder/venv/bin/python" "$folder/work.py"
