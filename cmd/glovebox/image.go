package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"glovebox/runner"
	"glovebox/store"

	"github.com/spf13/cobra"
)

func newImageCmd(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "image",
		Short: "Prepare, import, list and remove the images that boxes run",
		Args:  noSuchCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newImagePrepareCmd(a), newImageImportCmd(a), newImageListCmd(a), newImageRemoveCmd(a), newImagePruneCmd(a))
	return cmd
}

func newImagePrepareCmd(a *app) *cobra.Command {
	var pull bool
	cmd := &cobra.Command{
		Use:   "prepare [REF]",
		Short: "Make an image ready to run: auto, host, or any OCI reference",
		Long: `Make an image ready to run: auto, host, or any OCI reference; without REF, the
one that is configured. Once prepared, an image stays what it is: sessions use it
by its digest, and pull nothing. With --pull it is pulled, or built, again, and
a digest that changed is told.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := a.loadConfig()
			if err != nil {
				return err
			}
			if len(args) == 1 {
				cfg.Box.Image = args[0]
			}
			if key, why := cfg.wrong(); key != "" {
				return usageError(why, "")
			}
			return a.readyImage(cmd, cfg, func(ctx context.Context, e *runner.Engine, tell func(runner.Progress)) (runner.Image, error) {
				if pull {
					return e.UpdateImage(ctx, cfg.Box.Image, tell)
				}
				return e.Image(ctx, cfg.Box.Image, tell)
			})
		},
	}
	cmd.Flags().BoolVar(&pull, "pull", false, "pull or build it again, also if it is there")
	return cmd
}

func newImageImportCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "import FILE [NAME]",
		Short: "Make an image from the tarball of a root file system",
		Long: `Make an image from a root file system in a tar file, plain or packed with gzip,
zstd, xz or bzip2, as podman export, mmdebstrap or a distribution's download page
give it. It gets the reference localhost/NAME; without NAME, the file's own name.
The file may come from anywhere: only Podman unpacks it, under an unprivileged
account. Afterwards a box is made of it, to see what it lacks.`,
		Example: `  glovebox image import alpine-minirootfs-3.22.0-x86_64.tar.gz alpine
  glovebox box run --image localhost/alpine -- cat /etc/os-release`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) < 1 || len(args) > 2 {
				return usageError("image import needs a file, and may have a name", "glovebox image import rootfs.tar.gz mine")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			name := importName(args[0])
			if len(args) == 2 {
				name = args[1]
			}
			if _, err := runner.ImportName(name); err != nil {
				return usageError(err.Error(), "glovebox image import "+args[0]+" mine")
			}
			f, err := openRegular(args[0])
			if err != nil {
				return err
			}
			defer f.Close()
			cfg, err := a.loadConfig()
			if err != nil {
				return err
			}
			return a.readyImage(cmd, cfg, func(ctx context.Context, e *runner.Engine, tell func(runner.Progress)) (runner.Image, error) {
				return e.ImportImage(ctx, name, f, tell)
			})
		},
	}
}

// importName is the name that a file suggests: rootfs.tar.gz is rootfs.
func importName(file string) string {
	name := strings.ToLower(filepath.Base(file))
	for _, end := range []string{".gz", ".xz", ".zst", ".bz2", ".tgz", ".txz", ".tar"} {
		name = strings.TrimSuffix(name, end)
	}
	return name
}

func openRegular(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a regular file", path)
	}
	var f *os.File
	if err == nil {
		f, err = os.Open(path)
	}
	if err != nil {
		return nil, &exitError{code: exitUsage, msg: fileSays(path, err), hint: "glovebox image import --help", err: err}
	}
	return f, nil
}

// readyImage has get make an image ready, tries it in a box, and prints it. One
// that cannot run here at all is not kept.
func (a *app) readyImage(cmd *cobra.Command, cfg config, get func(context.Context, *runner.Engine, func(runner.Progress)) (runner.Image, error)) error {
	return a.withEngineOf(cmd, cfg, func(e *runner.Engine) error {
		ctx := cmd.Context()
		p := newProgress(a.errOut)
		img, err := get(ctx, e, p.tell)
		var lacks []string
		if err == nil {
			p.tell(runner.Progress{Step: "trying it in a box"})
			lacks, err = e.Lacks(ctx, img, neededPrograms...)
			if errors.Is(err, runner.ErrNoImage) {
				_, removed := e.RemoveImage(context.WithoutCancel(ctx), img.ID)
				err = errors.Join(err, removed)
			}
		}
		p.close()
		if errors.Is(err, runner.ErrNoImage) {
			return &exitError{code: exitEngine, msg: err.Error(), hint: "glovebox image list, for those that are here", err: err}
		}
		if err != nil {
			return err
		}
		for _, line := range willNotWork(lacks) {
			fmt.Fprintln(a.errOut, "glovebox: "+store.CleanLine(img.Ref)+" "+line)
		}
		return a.printImages(ctx, e, []runner.Image{img}, lacks)
	})
}

// neededPrograms are what the tools use; see willNotWork.
var neededPrograms = []string{"sqlite3", "python3", "curl"}

// willNotWork says what an image that lacks some programs is no good for.
func willNotWork(lacks []string) []string {
	missing := func(program string) bool { return slices.Contains(lacks, program) }
	if missing("/bin/sh") {
		return []string{"has no /bin/sh: the tools shell, sql and fetch and glovebox box shell will not work; glovebox box run -- PROGRAM will"}
	}
	var lines []string
	if missing("python3") {
		if missing("sqlite3") {
			lines = append(lines, "has neither sqlite3 nor python3: the tool sql will not work")
		}
		if missing("curl") {
			lines = append(lines, "has neither curl nor python3: the tool fetch will not work")
		}
	}
	return lines
}

func newImageRemoveCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "rm REF|DIGEST",
		Short: "Remove what was prepared for a reference, or one state of it",
		Long: `Remove what was prepared for a reference, or what has the digest that image list
shows (its beginning will do), and the image it was made from if glovebox built
or imported that. A pulled one stays: podman rmi removes it. What a box still
runs is not removed.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 || args[0] == "" { // "" would be auto
				return usageError("image rm needs one reference", "glovebox image list")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withEngine(cmd, func(e *runner.Engine) error {
				which, err := wholeDigest(cmd.Context(), e, args[0])
				if err != nil {
					return err
				}
				n, err := e.RemoveImage(cmd.Context(), which)
				if err == nil && n == 0 {
					err = usageError(fmt.Sprintf("no image is prepared for %q", args[0]), "glovebox image list")
				}
				return err
			})
		},
	}
}

// wholeDigest completes a digest that image list cut on a narrow screen.
func wholeDigest(ctx context.Context, e *runner.Engine, which string) (string, error) {
	begun := strings.TrimSuffix(which, "…")
	if !strings.HasPrefix(begun, "sha256:") || len(begun) < len("sha256:")+12 {
		return which, nil
	}
	all, err := e.Images(ctx)
	if err != nil {
		return "", err
	}
	found := ""
	for _, i := range all {
		if !strings.HasPrefix(i.BaseDigest, begun) || i.BaseDigest == found {
			continue
		}
		if found != "" {
			return "", usageError(fmt.Sprintf("%q is the beginning of several digests", which), "glovebox image list --plain")
		}
		found = i.BaseDigest
	}
	return cmp.Or(found, which), nil
}

func newImagePruneCmd(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "prune", Short: "Remove what other versions of glovebox prepared and nobody needs",
		Long: `Remove images that other versions of glovebox prepared, where there is a newer one
of the same base: who misses one prepares it again in a second. What a box runs
stays, and what is younger than an hour, for another version may be about to use
it. What was superseded by image prepare --pull stays, too, because recorded
sessions ran in it: image rm DIGEST removes that.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.withEngine(cmd, func(e *runner.Engine) error {
				gone, err := e.PruneImages(cmd.Context())
				if err != nil {
					return err
				}
				if a.flags.json {
					return a.printImages(cmd.Context(), e, gone, nil)
				}
				_, err = fmt.Fprintf(a.out, "removed %s that other versions of glovebox had prepared\n", store.Plural(len(gone), "image"))
				return err
			})
		},
	}
}
