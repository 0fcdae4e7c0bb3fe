# Everything is set up on the way: the first run of a target installs what it needs into .venv
# (Python), .venv-pyautogen (the same tests on pyautogen 0.9) and tests/e2e/node (npm), later runs
# install nothing. PYTHON=/path/to/python3 chooses the interpreter, CHROME=... the browser.

.DEFAULT_GOAL := help
.PHONY: help setup demo run test test-fast crash races check bench bench-peers bench-load bench-scale bench-inbox bench-rules bench-budgets bench-together bench-ledger bench-directory bench-simulate bench-soak bench-docs guarantees lock audit clean

help: ## Say what there is
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 20

setup: ## Install the development environment into .venv
	@scripts/ensure_venv.sh .venv dev

demo: ## Run the main job end to end by itself (DEMO_ARGS='--decide reject' ...)
	@scripts/ensure_venv.sh .venv runtime
	@.venv/bin/countersign demo $(DEMO_ARGS)

run: ## Serve it for a person to click, with everything around it played locally
	@scripts/ensure_venv.sh .venv runtime
	@scripts/run.sh $(RUN_ARGS)

test: ## Run all tests, browser and both AutoGen distributions included
	@scripts/test.sh all

test-fast: ## Run the short loop: SQLite, one case of each test, nothing long (a few minutes on two cores)
	@scripts/test.sh fast

crash: setup ## Kill and freeze servers at every step, on SQLite and PostgreSQL (prints the figures)
	@.venv/bin/python -m pytest -q tests/crash --ignore=tests/crash/test_vote_races.py

races: setup ## Race votes over every channel, on SQLite and PostgreSQL (RACES=10000)
	@RACES=$${RACES:-10000} .venv/bin/python -m pytest -q tests/crash/test_vote_races.py

check: setup ## Check format, lint, types and imports
	@scripts/check.sh

bench: setup ## Measure everything: bench-peers, votes, recovery and tickets
	@.venv/bin/python -m bench $(BENCH_ARGS)

bench-peers: setup ## Measure pause and resume beside other frameworks, in turn (ROUNDS=25 BLOCK=20)
	@.venv/bin/python -m bench --no-service $(BENCH_ARGS)

bench-load: setup ## Measure votes, clicks, many sessions and starts, now and before (ROUNDS=25 PARTS=... DATABASES=...)
	@.venv/bin/python -m bench.load $(BENCH_ARGS)

bench-directory: setup ## Measure a directory of 50,000 people: reading it, and votes (PEOPLE=50000)
	@.venv/bin/python -m bench.ours.directory

bench-rules: setup ## Measure rulings a second beside plain Python and cel-python, and what rules cost a vote (ROUNDS=5)
	@.venv/bin/python -m bench.ours.rules
	@.venv/bin/python -m bench.ours.ruled_votes

bench-budgets: setup ## Measure what budgets cost at a claim (ROUNDS=5 CLAIMS=200)
	@.venv/bin/python -m bench.ours.budgets

bench-together: setup ## Measure one decision on a checkpoint of many calls beside one vote (CALLS=200 ROUNDS=7)
	@.venv/bin/python -m bench.ours.together

bench-ledger: setup ## Measure checking the ledger beside a plain check, and what checkpoints cost a vote (SESSIONS=100000 ROUNDS=5 VOTES=500)
	@.venv/bin/python -m bench.ours.ledger

bench-simulate: setup ## Measure replaying recorded calls through two policies, and its memory (CALLS=1000000 RULES=100)
	@.venv/bin/python -m bench.ours.simulate

bench-soak: setup ## Look for what grows under a long steady load (MINUTES=30 DATABASES=sqlite,postgresql)
	@.venv/bin/python -m bench.soak $(BENCH_ARGS)

bench-docs: setup ## Put the tables of bench/results.json into docs/
	@.venv/bin/python -m bench.docs

bench-scale: setup ## Measure a server on so many waiting sessions (SCALE=1000,100000,1000000)
	@.venv/bin/python -m bench.ours.scale

bench-inbox: setup ## Measure the inbox's pages with so many waiting (SCALE=1000,100000,1000000 LOOKS=100)
	@.venv/bin/python -m bench.ours.inbox

# With sizes that end within the hour on two cores; docs/guarantees.md has the figures.
guarantees: ## Check and measure everything that docs/guarantees.md promises
	@$(MAKE) crash
	@$(MAKE) races RACES=$${RACES:-10000}
	@$(MAKE) bench-load
	@SCALE=$${SCALE:-1000,100000} $(MAKE) bench-scale
	@$(MAKE) bench-peers

lock: ## Recompute requirements/*.lock (needs uv; LOCK_ARGS=--upgrade moves versions)
	@scripts/lock.sh $(LOCK_ARGS)

audit: setup ## Look up known vulnerabilities, list licences (exit 2: nobody could be asked)
	@.venv/bin/python scripts/audit.py

clean: ## Remove what set-up and tests made; databases stay
	rm -rf .venv .venv-* bench/.venvs bench/.builds tests/e2e/node/node_modules artifacts build dist htmlcov
	rm -rf .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
