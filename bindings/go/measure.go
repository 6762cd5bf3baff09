package coco

// #include <coco/measure.h>
import "C"

// VMM is what runs guests; in details of what is measured they differ.
type VMM uint32

// The VMMs that are known. EC2 and GCE are for SEV-SNP alone.
const (
	VMMQEMU VMM = C.COCO_VMM_QEMU
	VMMEC2  VMM = C.COCO_VMM_EC2
	VMMGCE  VMM = C.COCO_VMM_GCE
)

// TDXOrder is in which order a VMM adds pages to a TD and extends MRTD with them.
type TDXOrder uint32

// The orders of KVM: that of Linux 6.16 and later, and that of before.
const (
	TDXByPage    TDXOrder = C.COCO_TDX_BY_PAGE
	TDXBySection TDXOrder = C.COCO_TDX_BY_SECTION
)

// MeasureSEVES, of the TEE "sev", measures the CPUs, too.
const MeasureSEVES = uint32(C.COCO_MEASURE_SEV_ES)

// MeasureOptions say how a guest is launched; what is 0 has its default.
type MeasureOptions struct {
	GuestFeatures uint64   // SEV-SNP: SEV_FEATURES; 0x1
	VCPUs         uint32   // 1
	CPUSignature  uint32   // SEV-SNP and SEV-ES of QEMU: eax of CPUID 1, no default; CPUSignature
	VMM           VMM      // VMMQEMU
	TDXOrder      TDXOrder // TDXByPage
	EDK2          uint32   // TDX and TPM: release of the firmware, as 202411; the newest
	Flags         uint32   // of MeasureSEVES
}

func (o *MeasureOptions) c() *C.coco_measure_options {
	if o == nil {
		return nil
	}
	return &C.coco_measure_options{
		size:           C.sizeof_coco_measure_options,
		guest_features: C.uint64_t(o.GuestFeatures),
		vcpus:          C.uint32_t(o.VCPUs),
		cpu_signature:  C.uint32_t(o.CPUSignature),
		vmm:            C.coco_vmm(o.VMM),
		tdx_order:      C.coco_tdx_order(o.TDXOrder),
		edk2:           C.uint32_t(o.EDK2),
		flags:          C.uint32_t(o.Flags),
	}
}

// Launch is a guest that is to be launched.
type Launch struct{ object[*C.coco_launch] }

// NewLaunch makes a launch of nothing yet.
func NewLaunch() (*Launch, error) {
	var c *C.coco_launch
	if err := call(func(f *frame) C.coco_status { return C.coco_launch_new(&c, f.err) }); err != nil {
		return nil, err
	}
	l := &Launch{}
	l.own(c, func(c *C.coco_launch) { C.coco_launch_free(c) })
	return l, nil
}

// SetFirmware sets the image of OVMF, of at most 64 MiB.
func (l *Launch) SetFirmware(image []byte) error {
	return l.call(func(c *C.coco_launch, f *frame) C.coco_status {
		return C.coco_launch_set_firmware(c, data(image), size(image), f.err)
	})
}

// SetKernel sets the kernel, of at most 256 MiB.
func (l *Launch) SetKernel(kernel []byte) error {
	return l.call(func(c *C.coco_launch, f *frame) C.coco_status {
		return C.coco_launch_set_kernel(c, data(kernel), size(kernel), f.err)
	})
}

// SetInitrd sets the initrd, of at most 1 GiB.
func (l *Launch) SetInitrd(initrd []byte) error {
	return l.call(func(c *C.coco_launch, f *frame) C.coco_status {
		return C.coco_launch_set_initrd(c, data(initrd), size(initrd), f.err)
	})
}

// SetCmdline sets the kernel's command line.
func (l *Launch) SetCmdline(cmdline string) error {
	return l.call(func(c *C.coco_launch, f *frame) C.coco_status {
		return C.coco_launch_set_cmdline(c, f.text(0), f.err)
	}, cmdline)
}

// Measured is a reference value of a launch.
type Measured struct {
	Name   string // as Trustee's policies ask for it
	Claim  string // of a verdict, with dots into objects; "" for a digest of an event
	Value  string // hex; "" if it cannot be known
	Note   string // what it takes for granted, or why it cannot be known
	Single bool   // whether policies compare it itself, not a list that it is in
}

// Measure computes what will be measured of l, for a TEE of MeasureTEEs.
func (l *Launch) Measure(tee string, options *MeasureOptions) ([]Measured, error) {
	var m *C.coco_measurement
	err := l.call(func(c *C.coco_launch, f *frame) C.coco_status {
		return C.coco_measure(c, f.text(0), options.c(), &m, f.err)
	}, tee)
	if err != nil {
		return nil, err
	}
	defer C.coco_measurement_free(m)
	var values []Measured
	for i := C.size_t(0); C.coco_measurement_name(m, i) != nil; i++ {
		values = append(values, Measured{
			Name:   C.GoString(C.coco_measurement_name(m, i)),
			Claim:  C.GoString(C.coco_measurement_claim(m, i)),
			Value:  C.GoString(C.coco_measurement_value(m, i)),
			Note:   C.GoString(C.coco_measurement_note(m, i)),
			Single: bool(C.coco_measurement_single(m, i)),
		})
	}
	return values, nil
}

// MeasureTEEs lists the TEEs whose measurements can be computed.
func MeasureTEEs() []string {
	return names(func(i C.size_t) *C.char { return C.coco_measure_tee(i) })
}

// CPUTypes lists the CPU types of QEMU that CPUSignature knows.
func CPUTypes() []string {
	return names(func(i C.size_t) *C.char { return C.coco_cpu_type(i) })
}

// CPUSignature is what CPUID 1 has in eax of a CPU: "EPYC-Milan", or family,
// model and stepping: "25-1-1"; 0 for what is neither.
func CPUSignature(cpuType string) uint32 {
	var signature uint32
	_ = call(func(f *frame) C.coco_status {
		signature = uint32(C.coco_cpu_signature_of(f.text(0)))
		return C.COCO_OK
	}, cpuType)
	return signature
}
