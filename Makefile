# The front door. `make` alone lists what there is.
.DEFAULT_GOAL := help
PYTHON := .venv/bin/python
# Without its compiled files, Python compiles Airflow, dbt and Great Expectations anew at every start: half a minute.
unexport PYTHONDONTWRITEBYTECODE

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 18

scorecard: .venv/.ready ## set up, run the DAGs over the bundled data, mail the scorecards, name their PDFs
	@$(PYTHON) tools/main_job.py

airflow: .venv/.ready ## Airflow's pages and scheduler, to click through; Ctrl-C ends it
	@$(PYTHON) tools/serve.py

sandbox: .venv/.ready ## run the DAGs over a simulated company's services, a month later again, show what changed
	@$(PYTHON) tools/sandbox_run.py

test: .venv/.ready ## the whole test suite
	$(PYTHON) -m pytest -n 2 --dist loadgroup

nightly: .venv/.ready ## the whole test suite, with more random histories and kills; takes hours
	NIGHTLY=1 $(PYTHON) -m pytest -n 2 --dist loadgroup

check: lint ## what a minute allows: every linter, and the unit tests that neither render pages nor take long
	$(PYTHON) -m pytest -n 2 -q -m "not slow" tests/unit

lint: .venv/.ready ## every linter
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) tools/lint_names.py
	$(PYTHON) -m mypy
	MYPYPATH=.:dags:plugins:tools $(PYTHON) -m mypy --strict dags/*.py plugins/*.py tools/*.py sandbox
	.venv/bin/lint-imports
	.venv/bin/scorecard translations --check
	.venv/bin/scorecard generate --check
	.venv/bin/sqlfmt --check --no-progressbar dbt_project

clean: ## remove the environment and everything that was made from the data
	rm -rf .venv var out dbt_project/target dbt_project/logs *.egg-info sandbox/*.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.ready: requirements.lock tools/uv.lock pyproject.toml sandbox/pyproject.toml tools/set-up
	@tools/set-up

.PHONY: help scorecard airflow sandbox check test nightly lint clean
