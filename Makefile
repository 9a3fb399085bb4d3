# Everything is built into bin/; version and commit are linked in by scripts/build.sh.

FUZZTIME ?= 60s
COVERAGE ?= 85
# The race detector needs a C compiler; RACE= leaves it out.
RACE     ?= -race

# How many packages are built and tested at a time. The two that come first need the
# longest and mostly wait for Vault, which leaves the cores to the others.
AT_A_TIME ?= $(shell echo $$((2 + $$(getconf _NPROCESSORS_ONLN))))

# Packages whose tests need no Vault server.
UNIT  = $(shell go list ./... | grep -v -e '/acceptance' -e '/scripts$$')
# The packages whose tests make stress repeats.
PACKAGES ?= $(UNIT)
SHELL_SCRIPTS = bootstrap.sh .ci/run $(wildcard scripts/*.sh docs/examples/*.sh docs/examples/*/*.sh)

.PHONY: help
help: ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-11s %s\n", $$1, $$2 }' Makefile

.PHONY: build
build: ## Build the plugin, the simulator and their helpers
	@scripts/build.sh

.PHONY: vault
vault: ## Provide bin/vault: one on the PATH that is new enough, else the official release, else one built from source
	@scripts/vault.sh

.PHONY: test
test: vault c-compiler ## Run all tests, including those on a real Vault server
	go test $(RACE) -vet=off -timeout 40m -p $(AT_A_TIME) ./backend/acceptance ./scripts ./... # make lint vets

.PHONY: test-unit
test-unit: c-compiler ## Run the tests that need no Vault server
	go test $(RACE) $(UNIT)

.PHONY: stress
stress: ROUNDS ?= 30
stress: c-compiler ## Run the unit tests of PACKAGES ROUNDS times, and again as often on a busy machine
	@RACE='$(RACE)' scripts/stress.sh $(ROUNDS) $(PACKAGES)

.PHONY: chaos
chaos: ROUNDS ?= 200
chaos: vault c-compiler ## Kill plugin and Vault ROUNDS times under load, and count the keys left over
	ROUNDS=$(ROUNDS) go test $(RACE) -timeout 0 -count 1 -v -run '^TestChaos$$' ./backend/acceptance

.PHONY: weather
weather: c-compiler ## Play every fault in every weather that an exchange may have
	WEATHER=full go test $(RACE) -timeout 0 -count 1 -run '^TestWeather$$' ./backend

.PHONY: rotations
rotations: c-compiler ## Play every fault of a rotation at every exchange and in every weather, and more at random
	ROTATE=full go test $(RACE) -timeout 40m -count 1 -run '^TestFaultMatrix$$/exchanges/.*/rotate|^TestWeather$$/exchanges/.*/.*/rotate|^TestStaticRoleAtRandom$$' ./backend

.PHONY: self-test
self-test: c-compiler ## Run a self-test of every simulated exchange in every weather
	SELF_TEST=full go test $(RACE) -timeout 0 -count 1 -run '^TestSelfTest' ./backend

.PHONY: coverage
coverage: ## Measure the unit tests' coverage; fail if it is below COVERAGE percent
	@scripts/coverage.sh $(COVERAGE)

.PHONY: bench
bench: ## Run the benchmarks
	go test -run '^$$' -bench . -benchmem $(UNIT)

.PHONY: bench-vault
bench-vault: ROUNDS ?= 5
bench-vault: vault ## Compare the plugin with Vault's own engines on a real Vault, for ROUNDS rounds
	@scripts/bench-vault.sh -rounds $(ROUNDS)

.PHONY: bench-scale
bench-scale: SHELL = bash
bench-scale: .SHELLFLAGS = -o pipefail -c
bench-scale: ## Measure what each operation costs with 1,000 to 100,000 keys
	@mkdir -p bin
	go test -run '^$$' -bench '^BenchmarkScale$$' -benchmem -timeout 1h ./backend | tee bin/bench-scale.txt

.PHONY: plot
plot: ## Draw docs/cost-*.svg from what bench-scale measured
	@test -f bin/bench-scale.txt || { echo 'There is nothing to draw yet; run make bench-scale.'; exit 1; }
	cd scripts/plot && go test . && go run . -o ../../docs/cost < ../../bin/bench-scale.txt

.PHONY: bench-start
bench-start: KEYS ?= 100000
bench-start: vault ## Measure how long Vault, with raft, takes to start with KEYS keys in the ledger
	KEYS=$(KEYS) go test -timeout 1h -count 1 -v -run '^TestStart$$' ./backend/acceptance

.PHONY: fuzz
fuzz: ## Run each fuzz target for FUZZTIME
	@scripts/fuzz.sh $(FUZZTIME)

.PHONY: lint
lint: ## Check format, go vet, golangci-lint (.golangci.yml), hidden functions and the shell scripts
	@test -z "$$(gofmt -l . | tee /dev/stderr)" || { echo 'These files are not formatted; run make fmt.'; exit 1; }
	go vet ./...
	scripts/tool.sh lint run ./...
	scripts/shadowfunc.sh ./...
	@scripts/shellcheck.sh $(SHELL_SCRIPTS)

.PHONY: vulncheck
vulncheck: ## Look for known vulnerabilities in what the programs call
	@scripts/vulncheck.sh

# promtool without what Prometheus can find its targets by, which is most of it.
PROMTOOL = TAGS=remove_all_sd scripts/tool.sh promtool

.PHONY: alerts
alerts: ## Check the alerts and the scrape configuration in docs/observe with promtool, and test the alerts
	$(PROMTOOL) check config --syntax-only docs/observe/prometheus.yml
	$(PROMTOOL) check rules --lint-fatal docs/observe/alerts.yml
	$(PROMTOOL) test rules docs/observe/alerts_test.yml

.PHONY: docs
docs: ## Write the tables of exchanges, root keys, clients and signatures from the drivers' descriptions
	go run ./scripts/exchange-tables

.PHONY: openapi
openapi: ## Write docs/openapi.json and docs/reference.md from the engine's paths
	go run ./scripts/openapi

.PHONY: fmt
fmt: ## Format the Go files
	gofmt -w .

.PHONY: release
release: ## Build a release into dist/, after proving that it can be built again: archives, sums, SBOM, image
	@go run ./scripts/release -check
	@scripts/vault.sh
	RELEASE=full go test -timeout 0 -count 1 -run '^TestRelease$$' ./backend/acceptance
	go run ./scripts/release

.PHONY: demo
demo: ## Start Vault and the simulated exchanges, and show the life of a key
	@./bootstrap.sh

.PHONY: down
down: ## Stop what demo started
	@./bootstrap.sh down

.PHONY: clean
clean: down ## Remove what was built, and what demo left
	rm -rf bin dist .bootstrap coverage.out

.PHONY: c-compiler
c-compiler:
	@test -z '$(RACE)' || test "$$(go env CGO_ENABLED)" = 1 || \
	  { echo 'The race detector needs a C compiler, such as gcc. Install one, or leave the detector out with RACE= .'; exit 1; }
