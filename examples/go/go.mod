module libcoco.example/examples

go 1.21

require libcoco.example/coco v0.0.0

replace libcoco.example/coco => ../../bindings/go
