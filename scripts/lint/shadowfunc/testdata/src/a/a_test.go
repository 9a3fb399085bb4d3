package a

func helper() {}

func inTest() {
	helper := 1  // want `helper hides the package's function of that name, declared at line 3 of a_test.go`
	request := 2 // want `request hides`
	_, _ = helper, request
}
