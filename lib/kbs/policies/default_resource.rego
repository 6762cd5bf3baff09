# The resource policy until the owner sets another: a resource is given to
# evidence of which every part was appraised as affirming, and to nothing else.
package policy

import rego.v1

default allow := false

allow if {
	data.plugin == "resource"
	count(input.submods) > 0
	every _, submod in input.submods {
		submod["ear.status"] == "affirming"
	}
}
