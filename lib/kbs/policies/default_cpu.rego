# The attestation policy until the owner sets another (kbs-protocol C.3).
#
# input is what the verifier proved: {"<tee>": {claims}, "report_data", …}. The
# rules give the trustworthiness vector of the token, in the values of AR4SI:
# 2 and 3 affirm, 33 and above contraindicate. Whatever no rule affirms stays
# unrecognized, so a TEE without reference values is never good enough.
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

##### sample: anybody can make it, and the verifier lets it in only when told to

executables := 3 if {
	input.sample.launch_digest in query_reference_value("launch_digest")
}

hardware := 2 if {
	input.sample.svn in query_reference_value("svn")
	input.sample.platform_version.major == query_reference_value("major_version")
	input.sample.platform_version.minor >= query_reference_value("minimum_minor_version")
}

configuration := 2 if {
	input.sample.debug == false
}

##### software: the verifier checked its root, its signature and its binding

executables := 3 if {
	input.software.launch_digest in query_reference_value("launch_digest")
}

hardware := 2 if {
	input.software
}

configuration := 2 if {
	input.software.debug == false
}

extensions := [{
	"name": "ear.trustee.identifiers",
	"key": -18,
	"value": {"validated": {}},
}]
