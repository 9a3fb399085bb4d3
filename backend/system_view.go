package backend

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"
)

// systemView is Vault's view of the system, which remembers that this node may write.
// The framework asks for that at each request that might have to be forwarded, and each
// question crosses the border of the plugin. To be wrong for a while does no harm: the
// first thing that every such request does is a write, and one that Vault refuses is
// forwarded and makes the view forget. Only the end of a lease does not wait for its
// first write: that the key must go Vault has said.
type systemView struct {
	logical.SystemView
	// known is what was learnt of a node that may write. What keeps a node from writing
	// is asked for each time: nothing would tell when that has changed.
	known atomic.Pointer[standing]
	// longest and usual are the limits of leases that Vault named last, in nanoseconds; 0
	// if it has named none.
	longest, usual atomic.Int64
}

// standing is a node's place in its cluster, and the mount's.
type standing struct {
	state consts.ReplicationState
	local bool
}

// mayWrite reports whether the node writes to the mount's storage itself.
func (s standing) mayWrite() bool {
	standby := s.state.HasState(consts.ReplicationPerformanceStandby | consts.ReplicationDRSecondary)
	return !standby && (s.local || !s.state.HasState(consts.ReplicationPerformanceSecondary))
}

// ask asks Vault, whatever is remembered.
func (v *systemView) ask() standing {
	now := standing{v.SystemView.ReplicationState(), v.SystemView.LocalMount()}
	if now.state != consts.ReplicationUnknown && now.mayWrite() {
		v.known.Store(&now)
	} else {
		v.forget()
	}
	return now
}

func (v *systemView) standing() standing {
	if known := v.known.Load(); known != nil {
		return *known
	}
	return v.ask()
}

// mayWrite reports whether this node is known to write to the mount's storage itself.
func (v *systemView) mayWrite() bool {
	v.standing()
	return v.known.Load() != nil
}

// forget makes the next question go to Vault.
func (v *systemView) forget() { v.known.Store(nil) }

// ReplicationState implements [logical.SystemView].
func (v *systemView) ReplicationState() consts.ReplicationState { return v.standing().state }

// LocalMount implements [logical.SystemView].
func (v *systemView) LocalMount() bool { return v.standing().local }

// askLimits begins to ask Vault how long leases may last, the usual length only if it is
// wanted. The answer must be waited for.
func (v *systemView) askLimits(wantUsual bool) (wait func() leaseLimits) {
	var limits leaseLimits
	var asking sync.WaitGroup
	asking.Go(func() { limits.longest = note(&v.longest, v.MaxLeaseTTL()) })
	if wantUsual {
		asking.Go(func() { limits.usual = note(&v.usual, v.DefaultLeaseTTL()) })
	}
	return func() leaseLimits {
		asking.Wait()
		return limits
	}
}

// note keeps what Vault named, if it could be asked.
func note(last *atomic.Int64, named time.Duration) time.Duration {
	if named > 0 {
		last.Store(int64(named))
	}
	return named
}

// leaseLimits asks Vault how long leases may last.
func (v *systemView) leaseLimits(wantUsual bool) leaseLimits { return v.askLimits(wantUsual)() }

// lastLimits is what Vault answered last, whoever asked. A tune of the mount tells nobody,
// so that it is only good until Vault has been asked again.
func (v *systemView) lastLimits(wantUsual bool) (limits leaseLimits, known bool) {
	limits.longest = time.Duration(v.longest.Load())
	if wantUsual {
		limits.usual = time.Duration(v.usual.Load())
	}
	return limits, limits.longest > 0 && (limits.usual > 0 || !wantUsual)
}
