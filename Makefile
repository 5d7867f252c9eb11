# The build flags live here and nowhere else. `remote` keeps Podman's client pure Go;
# the other two leave out C libraries that a client does not need.
export CGO_ENABLED ?= 0
TAGS    := remote containers_image_openpgp exclude_graphdriver_btrfs
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
GOFLAGS := -buildvcs=false "-tags=$(TAGS)"
export GOFLAGS
LDFLAGS := -s -w -X main.version=$(VERSION)

.PHONY: build demo test lint fmt bench

build: ## static binaries in bin/
	@mkdir -p bin
	@go build -trimpath -ldflags '$(LDFLAGS)' -o bin/ ./cmd/glovebox ./cmd/glovebox-init

demo: build ## the guided tour: sets up what is missing, then runs offline
	@bin/glovebox setup --yes
	@bin/glovebox demo

test: build ## every test there is, real boxes included
	@bin/glovebox setup --yes --for-tests
	@sh test.sh

lint:
	@golangci-lint run ./...

fmt:
	@gofumpt -l -w .
