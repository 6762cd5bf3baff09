package coco

import (
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"testing"
)

func TestMeasure(t *testing.T) {
	launch, err := NewLaunch()
	launch = must(t, launch, err)
	defer launch.Close()
	if err := launch.SetKernel([]byte("kernel")); err != nil {
		t.Fatal(err)
	}
	values, err := launch.Measure("software", &MeasureOptions{VCPUs: 2})
	values = must(t, values, err)
	want := sha512.Sum384([]byte("kernel"))
	if len(values) != 1 || values[0].Name != "launch_digest" || values[0].Claim != "launch_digest" ||
		values[0].Value != hex.EncodeToString(want[:]) || values[0].Note == "" || values[0].Single {
		t.Fatal(values)
	}
	if err := errors.Join(launch.SetInitrd([]byte("i")), launch.SetCmdline("quiet")); err != nil {
		t.Fatal(err)
	}
	if _, err := launch.Measure("software", nil); !errors.Is(err, ErrInvalid) {
		t.Fatal(err)
	}
	if _, err := launch.Measure("tdx", &MeasureOptions{VMM: VMMGCE}); !errors.Is(err, ErrNotSupported) {
		t.Fatal(err)
	}
	if _, err := launch.Measure("tpm", nil); !errors.Is(err, ErrProto) {
		t.Fatal(err)
	}
	if err := launch.SetFirmware(make([]byte, 4095)); !errors.Is(err, ErrProto) {
		t.Fatal(err)
	}
}

func TestCPUsHaveSignatures(t *testing.T) {
	if CPUSignature("EPYC-Milan") != 0xa00f11 || CPUSignature("25-1-1") != 0xa00f11 || CPUSignature("Skylake") != 0 {
		t.Fatal(CPUSignature("EPYC-Milan"))
	}
	if len(CPUTypes()) == 0 || len(MeasureTEEs()) != 5 {
		t.Fatal(CPUTypes(), MeasureTEEs())
	}
}
