package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"time"
)

// The media types of the image format of the Open Container Initiative.
const (
	typeIndex    = "application/vnd.oci.image.index.v1+json"
	typeManifest = "application/vnd.oci.image.manifest.v1+json"
	typeConfig   = "application/vnd.oci.image.config.v1+json"
	typeLayer    = "application/vnd.oci.image.layer.v1.tar+gzip"
)

// descriptor names a part of an image.
type descriptor struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int               `json:"size"`
	Platform    *imagePlatform    `json:"platform,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

type imagePlatform struct {
	OS           string `json:"os"`
	Architecture string `json:"architecture"`
}

// layout is the folder of an image, as a tar archive.
type layout struct {
	content bytes.Buffer
	w       *tar.Writer
	date    time.Time
	have    map[string]bool
}

func (l *layout) file(name string, mode int64, content []byte) error {
	if err := l.w.WriteHeader(&tar.Header{Name: name, Mode: mode, Size: int64(len(content)), ModTime: l.date, Format: tar.FormatPAX}); err != nil {
		return err
	}
	_, err := l.w.Write(content)
	return err
}

// blob adds a part, once.
func (l *layout) blob(mediaType string, content []byte) (descriptor, error) {
	sum := sumOf(content)
	d := descriptor{MediaType: mediaType, Digest: "sha256:" + sum, Size: len(content)}
	if l.have[sum] {
		return d, nil
	}
	l.have[sum] = true
	return d, l.file("blobs/sha256/"+sum, 0o644, content)
}

func (l *layout) blobOf(mediaType string, value any) (descriptor, error) {
	content, err := json.Marshal(value)
	if err != nil {
		return descriptor{}, err
	}
	return l.blob(mediaType, content)
}

// imageOf is an image that holds nothing but the plugin, at its root, for each kind of
// Linux machine among the plugins. Vault runs it as a container; OpenBao takes the
// program out of it.
func imageOf(s source, plugins []plugin) ([]byte, error) {
	l := &layout{date: s.date, have: map[string]bool{}}
	l.w = tar.NewWriter(&l.content)
	if err := l.file("oci-layout", 0o644, []byte(`{"imageLayoutVersion":"1.0.0"}`)); err != nil {
		return nil, err
	}
	var manifests []descriptor
	for _, p := range plugins {
		if p.platform.os != "linux" {
			continue
		}
		manifest, err := l.image(s, p)
		if err != nil {
			return nil, err
		}
		manifest.Platform = &imagePlatform{OS: p.platform.os, Architecture: p.platform.arch}
		manifests = append(manifests, manifest)
	}
	index, err := l.blobOf(typeIndex, map[string]any{"schemaVersion": 2, "mediaType": typeIndex, "manifests": manifests})
	if err != nil {
		return nil, err
	}
	index.Annotations = map[string]string{"org.opencontainers.image.ref.name": s.version}
	whole, err := json.Marshal(map[string]any{"schemaVersion": 2, "mediaType": typeIndex, "manifests": []descriptor{index}})
	if err != nil {
		return nil, err
	}
	if err := l.file("index.json", 0o644, whole); err != nil {
		return nil, err
	}
	err = l.w.Close()
	return l.content.Bytes(), err
}

// image adds the image for one kind of machine.
func (l *layout) image(s source, p plugin) (descriptor, error) {
	root := &layout{date: s.date}
	root.w = tar.NewWriter(&root.content)
	if err := root.file(name, 0o755, p.program); err != nil {
		return descriptor{}, err
	}
	if err := root.w.Close(); err != nil {
		return descriptor{}, err
	}
	// Registries' clients compress what is not, and then the image in the registry would
	// not have the digest that it has in the release.
	var compressed bytes.Buffer
	w := gzip.NewWriter(&compressed)
	if _, err := w.Write(root.content.Bytes()); err != nil {
		return descriptor{}, err
	}
	if err := w.Close(); err != nil {
		return descriptor{}, err
	}
	layer, err := l.blob(typeLayer, compressed.Bytes())
	if err != nil {
		return descriptor{}, err
	}
	labels := map[string]string{
		"org.opencontainers.image.title": name, "org.opencontainers.image.version": s.version,
		"org.opencontainers.image.revision": s.commit, "org.opencontainers.image.licenses": "MPL-2.0",
	}
	config, err := l.blobOf(typeConfig, map[string]any{
		"created": s.date.Format(time.RFC3339), "os": p.platform.os, "architecture": p.platform.arch,
		"config": map[string]any{"Entrypoint": []string{"/" + name}, "User": "65534:65534", "Labels": labels},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{"sha256:" + sumOf(root.content.Bytes())}},
	})
	if err != nil {
		return descriptor{}, err
	}
	return l.blobOf(typeManifest, map[string]any{
		"schemaVersion": 2, "mediaType": typeManifest, "config": config, "layers": []descriptor{layer}, "annotations": labels,
	})
}
