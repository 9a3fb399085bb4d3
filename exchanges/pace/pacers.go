package pace

import (
	"slices"
	"sync"
)

// Pacers lets users of the same limits share a pacer, for as long as it matters: one
// that nobody uses is kept until it is as good as new. The zero value is ready to use,
// and nil gives each user a pacer of its own. It is safe for concurrent use.
type Pacers struct {
	mu sync.Mutex
	// known has each group under all names of what it shares.
	known map[string]*group
}

// group is the users of a pacer.
type group struct {
	pacer *Pacer
	// multipliers of its users.
	multipliers []float64
}

// Join returns the pacer of what bears one of the names: of the first that is known,
// or a new one. From then on all of the names lead to it. Of its users' multipliers
// the smallest counts. The user must leave when it makes no further calls; what it
// has under way then is paced all the same.
func (p *Pacers) Join(names []string, limits []Limit, multiplier float64) (pacer *Pacer, leave func()) {
	if p == nil || len(names) == 0 {
		return New(limits, multiplier), func() {}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.prune()
	if p.known == nil {
		p.known = map[string]*group{}
	}
	g := p.find(names)
	if g == nil {
		g = &group{pacer: New(limits, multiplier)}
	}
	for _, name := range names {
		p.known[name] = g
	}
	if multiplier == 0 {
		multiplier = 1
	}
	g.multipliers = append(g.multipliers, multiplier)
	g.rescale()
	return g.pacer, sync.OnceFunc(func() { p.leave(g, multiplier) })
}

func (p *Pacers) find(names []string) *group {
	for _, name := range names {
		if g := p.known[name]; g != nil {
			return g
		}
	}
	return nil
}

func (p *Pacers) leave(g *group, multiplier float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.Index(g.multipliers, multiplier)
	g.multipliers = slices.Delete(g.multipliers, i, i+1)
	g.rescale()
	p.prune()
}

// prune forgets the pacers that nobody uses and that are as good as new.
func (p *Pacers) prune() {
	for name, g := range p.known {
		if len(g.multipliers) == 0 && g.pacer.rested() {
			delete(p.known, name)
		}
	}
}

// rescale makes the smallest multiplier count. The last one to leave leaves its own.
func (g *group) rescale() {
	if len(g.multipliers) > 0 {
		g.pacer.rescale(slices.Min(g.multipliers))
	}
}
