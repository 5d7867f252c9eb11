# The build flags live here and nowhere else. `remote` keeps Podman's client
# pure Go; the other two leave out C libraries that a client does not need.
# -trimpath is for all, or what is built would be compiled again to be tested.
TAGS    := remote,containers_image_openpgp,exclude_graphdriver_btrfs
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
LDFLAGS := -s -w -X main.version=$(VERSION)
LINT    := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0
GOFUMPT := mvdan.cc/gofumpt@v0.12.0

export CGO_ENABLED ?= 0
export GOFLAGS     := -buildvcs=false -trimpath -tags=$(TAGS)

.PHONY: build setup demo test vm-test data-test image-test cast-test race lint fmt bench

build: ## static binaries in bin/
	@mkdir -p bin
	@echo "building glovebox (a minute the first time)"
	@go build -ldflags '$(LDFLAGS)' -o bin/ ./cmd/glovebox ./cmd/glovebox-init

setup: build
	@bin/glovebox setup --yes

demo: setup ## the guided tour, offline: sets up what is missing first
	@bin/glovebox demo

test: build ## every test there is, real boxes included
	@bin/glovebox setup --yes --for-tests
	go vet ./...
	go test -count=1 -timeout 15m ./...

vm-test: build ## runner's tests and a session in guests with cgroup v2, as an ordinary user; as root
	runner/testdata/vm/test bookworm trixie

data-test: ## datasets loaded into a real PostgreSQL and MariaDB; as root on Debian: installs the packages
	fakedata/testdata/databases /var/tmp/glovebox-schemas
	FAKEDATA_DATABASES=/var/tmp/glovebox-schemas go test -count=1 -timeout 15m -run 'RealDatabases|PublicSchemasInSQLite' ./fakedata

image-test: ## the image auto built twice, to see that it is the same; needs mmdebstrap
	GLOVEBOX_BUILD_TWICE=1 go test -count=1 -run BuiltAlike -v ./runner

cast-test: ## a recording of version 3 in asciinema's own player, in Chromium; needs npm
	npm install --no-save --no-audit --no-fund --prefix /var/tmp/glovebox-player asciinema-player@3.18.0
	ASCIINEMA_PLAYER=/var/tmp/glovebox-player/node_modules/asciinema-player go test -count=1 -run CastInThePlayer -v ./store/export

race: ## the same under the race detector; needs a C compiler
	CGO_ENABLED=1 go test -race -timeout 30m ./...

lint:
	go run $(LINT) run ./...

fmt:
	go run $(GOFUMPT) -l -w .

bench: setup ## boxes against Podman's own, datasets against gofakeit, the log against bare SQLite, side by side
	go test -run '^$$' -bench . -benchtime 1x ./runner
	go test -run '^$$' -bench PersonTable -benchtime 3x ./fakedata
	go test -run '^$$' -bench Key -benchtime 300x ./tui
	go test -run '^$$' -bench . -benchtime 1x -timeout 30m ./store ./store/bundle ./store/scan ./store/compare
