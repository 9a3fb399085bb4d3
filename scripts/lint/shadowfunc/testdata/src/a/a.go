package a

func request() int { return 0 }

func local() int {
	request := request() // want `request hides the package's function of that name, declared at line 3 of a.go`
	return request
}

func kinds() {
	var request int                    // want `request hides`
	const local = 1                    // want `local hides`
	type helper = int                  // a function of a test file hides nothing here
	if request := 1; request > local { // want `request hides`
		_ = helper(request)
	}
	for request := range 3 { // want `request hides`
		_ = request
	}
	for local, request := range []int{} { // want `local hides` `request hides`
		_, _ = local, request
	}
	switch request := any(request).(type) { // want `request hides`
	case int:
		_ = request
	}
	_ = func(request int) (local int) { // want `request hides` `local hides`
		kinds := request // want `kinds hides`
		return kinds
	}
}

func parameters(request int) (local int) { // want `request hides` `local hides`
	return request + local
}

type thing struct{ request, local int }

// The receiver is in the way of a call as much as a parameter is.
func (local thing) method() int { return local.request } // want `local hides`

// A method is not called by its name alone.
func method() int { return thing{request: 1}.method() }

type caller interface {
	call(request int) (local int)
}

type function func(request int) (local int)

func declaration(func(request int)) (f func() (local int)) {
	var callback func(request int)
	var holder struct{ local int }
	_, _ = callback, holder
request:
	for {
		break request
	}
	return f
}

func anotherMethod() int {
	other := 1
	call := other
	return call
}
