// Shadowfunc reports local names that hide a function of their package. Whoever
// reads a call of that function below such a name, or wants to add one, is misled.
//
// A local name is that of a parameter, a result, a receiver, a variable, a constant
// or a type. These are no findings, because nothing is hidden by them:
//
//   - the fields and methods of a type, which are always named after a dot;
//   - parameter names in a type without a body, such as an interface's methods;
//   - a method of the package, which cannot be called by its name alone;
//   - a function of a test file, outside of test files: code there cannot call it.
//
// It is a tool of go vet, which finds the packages and remembers the results:
//
//	go vet -vettool=bin/shadowfunc ./...
package main

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"

	"golang.org/x/tools/go/analysis"
	"golang.org/x/tools/go/analysis/passes/inspect"
	"golang.org/x/tools/go/analysis/unitchecker"
	"golang.org/x/tools/go/ast/inspector"
)

func main() { unitchecker.Main(analyzer()) }

func analyzer() *analysis.Analyzer {
	return &analysis.Analyzer{
		Name:     "shadowfunc",
		Doc:      "report local names that hide a function of the package",
		Requires: []*analysis.Analyzer{inspect.Analyzer},
		Run: func(pass *analysis.Pass) (any, error) {
			check(pass)
			return nil, nil
		},
	}
}

// check reports every name that is declared within a function.
func check(pass *analysis.Pass) {
	inFunctions := pass.ResultOf[inspect.Analyzer].(*inspector.Inspector)
	functions := []ast.Node{(*ast.FuncDecl)(nil), (*ast.FuncLit)(nil)}
	inFunctions.Preorder(functions, func(node ast.Node) {
		switch function := node.(type) {
		case *ast.FuncDecl:
			if function.Body != nil {
				report(pass, names(function.Recv))
				report(pass, names(function.Type.Params))
				report(pass, names(function.Type.Results))
				report(pass, declared(pass, function.Body))
			}
		case *ast.FuncLit:
			report(pass, names(function.Type.Params))
			report(pass, names(function.Type.Results))
			report(pass, declared(pass, function.Body))
		}
	})
}

// names returns the names in a list of parameters.
func names(parameters *ast.FieldList) []*ast.Ident {
	var all []*ast.Ident
	if parameters != nil {
		for _, parameter := range parameters.List {
			all = append(all, parameter.Names...)
		}
	}
	return all
}

// declared returns the names that a function's body declares. Functions within it
// are left out: they are looked at by themselves.
func declared(pass *analysis.Pass, body *ast.BlockStmt) []*ast.Ident {
	var all []*ast.Ident
	ast.Inspect(body, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.FuncLit, *ast.StructType, *ast.InterfaceType, *ast.FuncType:
			return false
		case *ast.Ident:
			// A type switch declares its name once in each clause, and here not at all.
			if object, defines := pass.TypesInfo.Defs[node]; defines && !isLabel(object) {
				all = append(all, node)
			}
		}
		return true
	})
	return all
}

// isLabel reports whether the object is a label, which hides nothing: labels have
// names of their own.
func isLabel(object types.Object) bool {
	_, label := object.(*types.Label)
	return label
}

// report reports those of the names that hide a function.
func report(pass *analysis.Pass, names []*ast.Ident) {
	for _, name := range names {
		function, hidden := pass.Pkg.Scope().Lookup(name.Name).(*types.Func)
		if hidden && (inTest(pass, name.Pos()) || !inTest(pass, function.Pos())) {
			pass.Reportf(name.Pos(), "%s hides the package's function of that name, declared at line %d of %s",
				name.Name, pass.Fset.Position(function.Pos()).Line, fileName(pass, function.Pos()))
		}
	}
}

func inTest(pass *analysis.Pass, at token.Pos) bool {
	return strings.HasSuffix(fileName(pass, at), "_test.go")
}

func fileName(pass *analysis.Pass, at token.Pos) string {
	path := pass.Fset.Position(at).Filename
	return path[strings.LastIndexAny(path, `/\`)+1:]
}
