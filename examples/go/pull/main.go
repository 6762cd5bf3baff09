// Pull an image whose keys a key broker has into an OCI bundle.
//
//	pull cc_kbc::https://kbs.example:8080 ghcr.io/acme/app@sha256:… bundle
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"

	"libcoco.example/coco"
)

func main() {
	kbc, err1 := coco.NewKBC(os.Args[1])
	client, err2 := coco.NewImageClient()
	ref, err3 := coco.ParseImageRef(os.Args[2])
	if err := errors.Join(err1, err2, err3); err != nil {
		log.Fatal(err)
	}
	_ = client.SetKBC(kbc) // fails only after Close
	image, err := client.Pull(context.Background(), ref, os.Args[3], nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(image.Digest)
}
