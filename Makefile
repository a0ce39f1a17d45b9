# Everything is installed into .venv from the lock; every target sets up what it needs.
PYTHON ?= python3.11
BIN := .venv/bin
READY := .venv/.ready

.PHONY: run test test-slow spark encoders lint lock setup help
.DEFAULT_GOAL := run

run: setup  ## from simulated payments and tweets to registered models and reports
	$(BIN)/vouch run fraud sentiment

test: setup  ## all tests but the slow ones
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

test-slow: setup  ## the slow tests: real servers, kills, Spark
	$(BIN)/pytest -m slow

spark: setup  ## Spark NLP's jars into .venv/jars; needs Java 17 and, the first time, the network
	$(BIN)/python -m vouch.engine.jars

encoders: setup  ## sentence encoders into .venv/encoders, for text models; needs Java and, once, the network
	$(BIN)/python -m vouch.project.encoders

lint: setup  ## style, types and layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

setup: $(READY)  ## everything from the lock into .venv

help:  ## this list
	@grep -E '^[a-z-]+:.*## ' Makefile | sed 's/:.*## /\t/' | expand -t 12

# the lock's own lines of uv install uv, which installs the rest, hashes checked; PySpark comes as
# source and is built with the lock's setuptools; bytecode is made here once, for containers tell
# Python to write none, and then each command would compile all it imports
$(READY): requirements.lock pyproject.toml src/vouch-dvc.pth
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	awk '/^[^ ]/{own=/^(uv|setuptools)==/} own' requirements.lock > .venv/uv.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r .venv/uv.lock
	$(BIN)/uv pip sync --compile-bytecode --python $(BIN)/python --require-hashes requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	cp src/vouch-dvc.pth .venv/lib/python3.*/site-packages/  # an editable install leaves it out
	touch $(READY)

lock:  ## after a change of pyproject.toml: pin it all anew, with hashes and without any address
	$(BIN)/uv pip compile --quiet --python-version 3.11 --all-extras --group dev pyproject.toml \
		--generate-hashes --no-emit-index-url --no-annotate --no-header -o requirements.lock
