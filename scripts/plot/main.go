// Command plot draws how the cost of each operation grows with the number of keys, from
// what make bench-scale prints, which it reads from standard input. It writes
// NAME-light.svg and NAME-dark.svg.
package main

import (
	"bufio"
	"cmp"
	"flag"
	"fmt"
	"image/color"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

func main() {
	name := flag.String("o", "docs/cost", "what the files' names begin with")
	unit := flag.String("unit", "allocs/op", "what to draw: allocs/op, B/op or ns/op")
	flag.Parse()
	if err := run(os.Stdin, *name, *unit); err != nil {
		fmt.Fprintln(os.Stderr, "plot:", err)
		os.Exit(1)
	}
}

func run(benchmark io.Reader, name, unit string) error {
	costs, err := read(benchmark, unit)
	if err != nil {
		return err
	}
	for _, t := range []theme{
		{"light", color.Gray{0x24}, color.Gray{0xd8}},
		{"dark", color.Gray{0xe6}, color.Gray{0x48}},
	} {
		p, err := picture(costs, unit, t)
		if err != nil {
			return err
		}
		if err := p.Save(9*vg.Inch, 5*vg.Inch, name+"-"+t.name+".svg"); err != nil {
			return err
		}
	}
	return nil
}

// line is one result, such as
// BenchmarkScale/keys=1000/refused_mint-2   10000   447711 ns/op   10688 B/op   143 allocs/op.
var line = regexp.MustCompile(`^BenchmarkScale/keys=(\d+)/(\S+?)(?:-\d+)?\s+\d+\s+(.*)$`)

// read reads the costs of each operation, by the number of keys. What is measured beside
// other callers is left out: their cost is in it.
func read(benchmark io.Reader, unit string) (map[string]plotter.XYs, error) {
	costs := map[string]plotter.XYs{}
	lines := bufio.NewScanner(benchmark)
	for lines.Scan() {
		found := line.FindStringSubmatch(lines.Text())
		if found == nil || strings.Contains(found[2], "beside") {
			continue
		}
		keys, err := strconv.ParseFloat(found[1], 64)
		if err != nil {
			return nil, err
		}
		fields := strings.Fields(found[3])
		at := slices.Index(fields, unit)
		if at < 1 {
			return nil, fmt.Errorf("%q has no %s", lines.Text(), unit)
		}
		cost, err := strconv.ParseFloat(fields[at-1], 64)
		if err != nil {
			return nil, err
		}
		operation := strings.ReplaceAll(found[2], "_", " ")
		costs[operation] = append(costs[operation], plotter.XY{X: keys, Y: cost})
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(costs) == 0 {
		return nil, fmt.Errorf("there is no result of BenchmarkScale in the input; give it what make bench-scale prints")
	}
	return costs, nil
}

// theme is what a picture is read on.
type theme struct {
	name       string
	text, grid color.Color
}

// colors are told apart on light and on dark, and by those who see few colors.
var colors = []color.RGBA{
	{0x33, 0x88, 0xdd, 0xff}, {0xe6, 0x8a, 0x00, 0xff}, {0x1a, 0xa3, 0x7a, 0xff}, {0xd6, 0x54, 0x6a, 0xff}, {0x99, 0x66, 0xcc, 0xff},
	{0x8c, 0x8c, 0x2e, 0xff}, {0x5c, 0xa8, 0xb8, 0xff}, {0xb0, 0x70, 0x40, 0xff}, {0x80, 0x80, 0x80, 0xff},
}

// picture draws the operations, the dearest at the top of the legend.
func picture(costs map[string]plotter.XYs, unit string, t theme) (*plot.Plot, error) {
	p := plot.New()
	p.BackgroundColor = color.Transparent
	p.X.Label.Text, p.Y.Label.Text = "keys in the ledger", map[string]string{"allocs/op": "allocations", "B/op": "bytes allocated", "ns/op": "nanoseconds"}[unit]
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.Scale, axis.Tick.Marker = plot.LogScale{}, powers{}
		axis.Color, axis.Label.TextStyle.Color, axis.Tick.Color, axis.Tick.Label.Color = t.text, t.text, t.text, t.text
	}
	grid := plotter.NewGrid()
	grid.Horizontal.Color, grid.Vertical.Color = t.grid, t.grid
	p.Add(grid)
	p.Legend.Top, p.Legend.Left, p.Legend.TextStyle.Color = true, true, t.text

	dearest := func(a, b string) int {
		last := func(name string) float64 { return costs[name][len(costs[name])-1].Y }
		return cmp.Or(cmp.Compare(last(b), last(a)), strings.Compare(a, b))
	}
	for i, name := range slices.SortedFunc(maps.Keys(costs), dearest) {
		points := costs[name]
		slices.SortFunc(points, func(a, b plotter.XY) int { return cmp.Compare(a.X, b.X) })
		drawn, marks, err := plotter.NewLinePoints(points)
		if err != nil {
			return nil, err
		}
		drawn.Color, drawn.Width = colors[i%len(colors)], vg.Points(2)
		marks.Color, marks.Shape = drawn.Color, draw.CircleGlyph{}
		p.Add(drawn, marks)
		p.Legend.Add(name, drawn, marks)
	}
	// Room for the legend.
	p.Y.Max *= 300
	return p, nil
}

// powers marks the powers of ten.
type powers struct{}

func (powers) Ticks(lowest, highest float64) (ticks []plot.Tick) {
	for value := 1.0; value <= highest*1.001; value *= 10 {
		if value >= lowest*0.999 {
			ticks = append(ticks, plot.Tick{Value: value, Label: strconv.FormatFloat(value, 'f', -1, 64)})
		}
	}
	return ticks
}
