# The attestation policy for devices of class "gpu" until the owner sets another
# (kbs-protocol C.3). Rules and values as in default_cpu.rego: whatever no rule
# affirms stays unrecognized.
package policy

import rego.v1

# 33: executables that are not recognized.
default executables := 33

# 97: hardware that should be recognized and is not.
default hardware := 97

# 36: configuration that the verifier cannot see.
default configuration := 36

trust_claims := {
	"instance-identity": 0,
	"configuration": configuration,
	"executables": executables,
	"file-system": 0,
	"hardware": hardware,
	"runtime-opaque": 0,
	"storage-opaque": 0,
	"sourced-data": 0,
}

##### sampledevice: anybody can make it, and the verifier lets it in only when told to

hardware := 2 if {
	input.sampledevice.svn in query_reference_value("device_svn")
}

extensions := [{
	"name": "ear.trustee.identifiers",
	"key": -18,
	"value": {"validated": {}},
}]
