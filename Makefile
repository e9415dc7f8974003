# make demo    a raw exposure, its file type compiled, the FITS file, and what is in it
# make test    all tests
# make acceptance  the real JWST pipelines and data models on what fitsgen makes; needs fitsgen[jwst,test]
# make lint    style and types
# make check   style, types, who imports whom, known holes of dependencies, what is handed on
# make audit   asks the public list of holes for the dependencies; needs pip-audit and a network
# make docs    a page on every shipped file type, in site/
# make fuzz    every target of the fuzzer for SECONDS=60, the main ones thrice; needs atheris
# make kills   300 conversions killed at random moments: what they leave
# make bench   the measurements of docs/performance.md; ARGS=--quick for a try
PYTHON ?= python3
TYPE := nirspec_ifu_level1b
SECONDS := 60

.PHONY: demo test acceptance lint check audit docs fuzz kills bench clean

demo:
	@mkdir -p demo
	$(PYTHON) -m fitsgen.simulate.raw demo/raw.fits
	$(PYTHON) -m fitsgen compile $(TYPE) -o demo/$(TYPE).py
	$(PYTHON) -m fitsgen convert demo/raw.fits docs/examples/obsid.dat -t demo/$(TYPE).py \
	    -o demo/$(TYPE).fits --overwrite
	@if command -v fitsverify > /dev/null; then fitsverify -q demo/$(TYPE).fits; \
	    else echo "fitsverify is not installed, so it was not asked"; fi
	@$(PYTHON) docs/examples/summary.py demo/$(TYPE).fits INSTRUME OBSERVTN FILTER EXTNAME BUNIT

test:
	$(PYTHON) -m pytest -n auto

acceptance:
	$(PYTHON) -m pytest -q -n 2 --no-loadscope-reorder acceptance
	$(PYTHON) -m pytest -q -n 2 -m slow tests/test_flight.py tests/test_references.py

lint:
	$(PYTHON) -m ruff check
	$(PYTHON) -m ruff format --check
	$(PYTHON) -m mypy

check: lint
	$(PYTHON) -m pytest -q tests/test_architecture.py tests/test_dependencies.py tests/test_wheel.py

audit:
	$(PYTHON) -m pip_audit

docs:
	@mkdir -p site
	for file in templates/*.gen.txt; do \
	    name=$$(basename $$file .gen.txt); \
	    $(PYTHON) -m fitsgen describe $$name --format html --overwrite -o site/$$name.html || exit 1; \
	done

fuzz:
	$(PYTHON) -m fuzz all --seconds $(SECONDS) --jobs 2

kills:
	FITSGEN_KILLS=300 $(PYTHON) -m pytest -q tests/test_outputs.py -k killed_at_random

bench:
	$(PYTHON) -m benchmarks $(ARGS)

clean:
	rm -rf demo site build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
