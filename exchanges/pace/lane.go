package pace

import "slices"

// lane is a line of waiters in which parties take turns: however many waiters one
// of them has, each of the others goes as often. Within a party it is first come,
// first served, but for those that finish what others have begun, who go first.
type lane struct {
	// parties that have waiters, the one whose turn it is first.
	parties []*party
}

type party struct {
	name    string
	waiting []*waiter
}

func (l *lane) add(w *waiter) {
	i, found := l.find(w)
	if !found {
		l.parties = append(l.parties, &party{name: w.party})
		i = len(l.parties) - 1
	}
	p := l.parties[i]
	place := len(p.waiting)
	if w.finish {
		place = slices.IndexFunc(append(p.waiting, &waiter{}), func(other *waiter) bool { return !other.finish })
	}
	p.waiting = slices.Insert(p.waiting, place, w)
}

// remove takes out a waiter. If it has had its turn, the next one is another
// party's.
func (l *lane) remove(w *waiter, served bool) {
	i, _ := l.find(w)
	p := l.parties[i]
	p.waiting = slices.DeleteFunc(p.waiting, func(other *waiter) bool { return other == w })
	if served || len(p.waiting) == 0 {
		l.parties = slices.Delete(l.parties, i, i+1)
	}
	if served && len(p.waiting) > 0 {
		l.parties = append(l.parties, p)
	}
}

// ahead tells how many waiters go before one, and their weight.
func (l *lane) ahead(w *waiter) (n, weight int) {
	own, _ := l.find(w)
	place := slices.Index(l.parties[own].waiting, w)
	for i, p := range l.parties {
		before := place
		if i < own {
			before++
		}
		before = min(before, len(p.waiting))
		n += before
		weight += weigh(p.waiting[:before])
	}
	return n, weight
}

// all tells how many waiters there are, and their weight.
func (l *lane) all() (n, weight int) {
	for _, p := range l.parties {
		n += len(p.waiting)
		weight += weigh(p.waiting)
	}
	return n, weight
}

func (l *lane) find(w *waiter) (index int, found bool) {
	index = slices.IndexFunc(l.parties, func(p *party) bool { return p.name == w.party })
	return index, index >= 0
}

func weigh(waiters []*waiter) (weight int) {
	for _, w := range waiters {
		weight += w.weight
	}
	return weight
}
