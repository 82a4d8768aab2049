/* The metadata journal: "create the next object if it is absent", where answers get lost and puts land late.
 *
 * Two writers (processes that crash and start again) claim the journal with an epoch batch, append batches of data,
 * settle what is uncertain, make images, trim what an image covers, and delete data objects that nothing names.
 * With RESTORE, a third process closes this incarnation and opens the next one.
 *
 * A batch has a number of its own. J[] has the batch at each place, 0 where there is none. Places up to `image` are
 * covered by an image: readers begin behind it. A batch is in the journal when the image kept it or when it lies
 * behind the image.
 *
 * What must hold: whoever reads a place reads the batch that was there first. And in the end: an acknowledged batch is in the journal, once; one that was said to have failed is not;
 * data are only of the writer whose epoch was current; the object of data in the journal exists; what was
 * acknowledged in an incarnation lies before the place where the next one begins. A writer that slept through a
 * trim does not know what became of its batch: that is "unknown", not "failed".
 *
 * Each rule can be turned off, and each time the model must fail:
 *   COMPARE=0   after "exists", the writer is compared instead of the batch
 *   GIVEUP=1    after a time-out, the batch is dropped and said to have failed
 *   GIVEUP=2    ... dropped as "unknown", and the next batch is put at the same place (fine while COMPARE=1)
 *   FENCE=0     a writer that finds another's batch in its place goes on behind it without a new claim
 *   TRIMCHECK=0 a put counts without a look at whether an image covers its place by now
 *   PREDECESSOR=1 the look is at whether the place before is still there
 *   READCHECK=0 a batch is read without that look
 *   PLANNED=0   objects are deleted without a plan in the journal
 *   CLOSED=0    the next incarnation is opened without closing this one
 *
 * With TIMED, trimming is as it is coded: images are looked at only by whom its clocks say that it has not been certain of the end for
 * LOOK ticks, and what an image covers is deleted once that image is AGE ticks old. That rests on clocks, and
 * the model shows what on: that an hour on the trimming node's clock is no less than half an hour on one of the sleeper's clocks (it has
 * two, and takes the greater). SLOW=1, a sleeper both of whose clocks stand still, must fail, and so must AGE=0, and NOTELATE=1: the
 * moment of what is certain is that of the answer, not of the question. No clocks are compared otherwise.
 *
 * With HANDOVER a leader lays the lead down; with OBSERVER somebody reads and never claims. Nothing that anybody has read is lost. */

#ifndef COMPARE
#define COMPARE 1
#endif
#ifndef GIVEUP
#define GIVEUP 0
#endif
#ifndef FENCE
#define FENCE 1
#endif
#ifndef TRIMCHECK
#define TRIMCHECK 1
#endif
#ifndef READCHECK
#define READCHECK 1
#endif
#ifndef PREDECESSOR
#define PREDECESSOR 0
#endif
#ifndef PLANNED
#define PLANNED 1
#endif
#ifndef CLOSED
#define CLOSED 1
#endif
/* Which parts take part: all at once would be too many states. */
#ifndef TRIM
#define TRIM 0
#endif
#ifndef VACUUM
#define VACUUM 0
#endif
#ifndef RESTORE
#define RESTORE 0
#endif
#ifndef TIMED
#define TIMED 0
#endif
#ifndef LOOK
#define LOOK 1
#endif
#ifndef AGE
#define AGE 2
#endif
#ifndef TICKS
#define TICKS 2
#endif
#ifndef SLOW
#define SLOW 0
#endif
#ifndef NOTELATE
#define NOTELATE 0
#endif
#ifndef HANDOVER
#define HANDOVER 0
#endif
#ifndef OBSERVER
#define OBSERVER 0
#endif
#ifndef CRASHES
#define CRASHES 1
#endif
#ifndef BATCHES
#define BATCHES 5
#endif

#define WRITERS 2
#define PLACES (BATCHES + 1)
#define EPOCH 1
#define DATA 2
#define PLAN 3
#define CLOSE 4

byte J[PLACES + 1];
byte first[PLACES + 1];        /* the batch that was there first: the true one */
byte batches;                  /* made so far; numbers begin at 1 */
byte kind[BATCHES + 1];
byte under[BATCHES + 1];       /* epoch of the batch */
byte maker[BATCHES + 1];
byte target[BATCHES + 1];      /* of a plan: the batch whose object goes */
bool acked[BATCHES + 1];
bool failed[BATCHES + 1];
bool kept[BATCHES + 1];        /* in an image */
bool has_object[BATCHES + 1];
byte late_place[WRITERS + 1];  /* a put in flight; 0: none */
byte late_batch[WRITERS + 1];
byte image, image_epoch, image_leader;
bool was_read[BATCHES + 1];
byte away[WRITERS + 2];        /* ticks since it was certain of the end; the last is the observer's */
byte asked[WRITERS + 2];       /* ticks since it asked for what it takes for certain */
byte image_age;
byte ticks = TICKS * TIMED;
byte handovers = HANDOVER;
byte crashes = CRASHES;
byte next_begins;              /* the next incarnation goes on from this place; 0: it does not exist */

inline land(place, batch) {
  if
  :: J[place] == 0 -> J[place] = batch; if :: first[place] == 0 -> first[place] = batch :: else fi
  :: else
  fi
}

/* The network delivers what is in flight, or loses it. */
proctype network(byte w) {
end:
  do
  :: atomic { late_place[w] != 0 -> if :: land(late_place[w], late_batch[w]) :: skip fi; late_place[w] = 0; late_batch[w] = 0 }
  od
}

/* r: 1 done, 2 exists, 3 no answer */
inline put(w, place, batch) {
  if
  :: atomic { J[place] == 0 -> land(place, batch); r = 1 }
  :: atomic { J[place] != 0 -> r = 2 }
  :: atomic { land(place, batch); r = 3 }
  :: atomic { late_place[w] == 0 -> late_place[w] = place; late_batch[w] = batch; r = 3 }
  fi
}

/* Whoever read or put place p goes on only if no image covers it: else the journal was trimmed, and what lies there
 * may have landed long after. That the place before it is still there (PREDECESSOR) does not do: a late put can
 * fill that one again. */
#if TIMED
#define must_look(w) (away[w] >= LOOK)
#else
#define must_look(w) true
#endif
#if NOTELATE
#define noted(w) 0
#else
#define noted(w) asked[w]
#endif
#define is_certain(w, p) (!must_look(w) || is_attached(p))

#if PREDECESSOR
#define is_attached(p) (((p) == 1 && image < 2) || ((p) > 1 && J[(p) - 1] != 0))
#else
#define is_attached(p) (image < (p))
#endif

#if TIMED
#define may_trim (image_age >= AGE)
#else
#define may_trim true
#endif

#define grow(value, most) if :: value < most -> value++ :: else fi
/* Half an hour. */
proctype clock() {
end:
  do
  :: atomic { ticks > 0 -> ticks--;
       if :: !SLOW -> grow(away[1], LOOK) :: else fi;
       grow(away[2], LOOK);
       grow(away[3], LOOK);
       if :: !SLOW -> grow(asked[1], LOOK) :: else fi;
       grow(asked[2], LOOK);
       grow(asked[3], LOOK);
       grow(image_age, AGE)
     }
  od
}

/* Reads what is there, in order, and never claims. */
proctype observer() {
  byte next, r, w = WRITERS + 1;
start:
  atomic { away[w] = 0; next = image + 1 }
  do
  :: next >= PLACES || (batches == BATCHES && J[next] == 0) -> break
  :: J[next] != 0 ->
     asked[w] = 0;
     r = J[next];
     if
     :: READCHECK && !is_certain(w, next) -> goto start
     :: else ->
        atomic {
          if
          :: r == 0 -> skip
          :: else -> assert(r == first[next]); was_read[r] = true; away[w] = noted(w); next++
          fi
        }
     fi
  od
}

inline make(w, what, e) {
  batches++;
  b = batches;
  kind[b] = what;
  under[b] = e;
  maker[b] = w;
  if :: what == DATA -> has_object[b] = true :: else fi
}

inline count_in_journal(batch) {
  c = 0;
  if :: kept[batch] -> c++ :: else fi;
  p = image + 1;
  do
  :: p > PLACES -> break
  :: else -> if :: J[p] == batch -> c++ :: else fi; p++
  od
}

proctype writer(byte w) {
  byte next, seen, leader, b, r, t;
  bool leading, is_closed;
start:
  atomic { away[w] = 0; next = image + 1; seen = image_epoch; leader = image_leader; leading = false; b = 0 }
  do
  :: is_closed || next >= PLACES || (b == 0 && batches == BATCHES && J[next] == 0) -> break

  /* a batch of somebody's is there */
  :: b == 0 && J[next] != 0 && next < PLACES ->
     asked[w] = 0;
     r = J[next];
     if
     :: READCHECK && !is_certain(w, next) -> goto start
     :: else ->
        atomic {
          if
          :: r == 0 -> skip   /* trimmed under our eyes */
          :: else ->
             assert(r == first[next]);
             was_read[r] = true;
             away[w] = noted(w);
             if :: kind[r] == EPOCH -> seen = under[r]; leader = maker[r]; leading = (leading && !FENCE) :: kind[r] == CLOSE -> is_closed = true; leading = false :: else fi;
             next++
          fi
        }
     fi

  /* the end: claim, or append */
  :: atomic { b == 0 && J[next] == 0 && !leading && !is_closed && batches < BATCHES -> make(w, EPOCH, seen + 1) }
  :: atomic { b == 0 && J[next] == 0 && leading && batches < BATCHES -> make(w, DATA, seen) }
#if VACUUM
  :: atomic { b == 0 && leading && batches < BATCHES ->
       /* an object of somebody that the journal, as far as we have read it, does not name */
       t = 1;
       do
       :: t > batches -> t = 0; break
       :: else ->
          if
          :: kind[t] == DATA && has_object[t] && maker[t] != w && !kept[t] && J[1] != t && J[2] != t && J[3] != t && J[4] != t -> break
          :: kind[t] == DATA && has_object[t] && maker[t] != w && next <= 2 && J[2] == t -> break  /* a stale picture */
          :: kind[t] == DATA && has_object[t] && maker[t] != w && next <= 3 && J[3] == t -> break
          :: kind[t] == DATA && has_object[t] && maker[t] != w && next <= 4 && J[4] == t -> break
          :: else -> t++
          fi
       od;
       if
       :: t == 0 -> skip
       :: t != 0 && !PLANNED -> has_object[t] = false
       :: t != 0 && PLANNED -> make(w, PLAN, seen); target[b] = t
       fi
     }
#endif
#if TRIM
  /* an image of all that was read, and then the trimming of what it covers, but for its own place */
  :: atomic { b == 0 && leading && next > image + 1 ->
       r = 1;
       do
       :: r >= next -> break
       :: else -> if :: J[r] != 0 && r > image -> kept[J[r]] = true :: else fi; r++
       od;
       image = next - 1;
       image_age = 0;
       image_epoch = seen;
       image_leader = leader
     }
  :: atomic { b == 0 && leading && image > 1 && may_trim ->
       /* in any order */
       r = 1;
       do
       :: r < image -> r++
       :: J[r] != 0 && r < image -> J[r] = 0; break
       :: r >= image -> break
       od
     }
#endif

  /* our batch is on its way */
  :: b != 0 ->
     asked[w] = 0;
     put(w, next, b);
     if
     :: r == 2 ->
        atomic {
          r = J[next];
          if
          :: r != 0 && (r == b || (!COMPARE && maker[r] == w)) -> r = 1
          :: r == 0 -> r = 3
          :: else -> r = 2
          fi
        }
     :: else
     fi;
     if
     :: r == 1 && TRIMCHECK && !is_certain(w, next) -> goto start
     :: r == 1 && (!TRIMCHECK || is_certain(w, next)) ->
        atomic {
          away[w] = noted(w);
          if
          :: kind[b] == EPOCH -> seen = under[b]; leader = w; leading = true
          :: kind[b] == DATA -> acked[b] = true; assert(first[next] == b)
          :: kind[b] == PLAN -> has_object[target[b]] = false
          fi;
          next++;
          b = 0
        }
     :: r == 2 && TRIMCHECK && !is_certain(w, next) -> goto start
     :: r == 2 && (!TRIMCHECK || is_certain(w, next)) ->
        atomic { away[w] = noted(w); failed[b] = true; b = 0; if :: FENCE -> leading = false :: else fi }
     :: r == 3 ->
        if
        :: GIVEUP == 1 -> atomic { failed[b] = true; b = 0 }
        :: GIVEUP == 2 && kind[b] == DATA -> b = 0
        :: GIVEUP == 2 && kind[b] != DATA -> skip
        :: GIVEUP == 0 -> skip
        fi
     fi

  :: atomic { b == 0 && leading && handovers > 0 -> handovers--; leading = false }
  :: atomic { crashes > 0 -> crashes-- }; goto start
  od
}

/* Reads to the end, closes this incarnation, opens the next. */
proctype restorer() {
  byte next, seen, b, r, w = 0;
  next = 1;
  do
  :: next >= PLACES -> break
  :: J[next] != 0 && next < PLACES -> if :: J[next] == b -> next_begins = next; break :: else -> next++ fi
  :: J[next] == 0 && !CLOSED -> next_begins = next; break
  :: J[next] == 0 && CLOSED ->
     atomic { if :: b == 0 && batches < BATCHES -> make(w, CLOSE, seen) :: b != 0 -> skip :: else -> break fi };
     put(w, next, b);
     if
     :: J[next] == b -> next_begins = next; break
     :: else
     fi
  od
}

init {
  byte c, p, b, e, m;
  atomic {
    run network(0); run network(1); run network(2);
    run writer(1); run writer(2);
#if TIMED
    run clock();
#endif
#if OBSERVER
    run observer();
#endif
#if RESTORE
    run restorer()
#endif
  }
  _nr_pr == 4 + TIMED && late_place[0] == 0 && late_place[1] == 0 && late_place[2] == 0;
  d_step {
    b = 1;
    do
    :: b > BATCHES -> break
    :: else ->
       count_in_journal(b);
       assert(c <= 1);
       assert(!acked[b] || c == 1);
       assert(!was_read[b] || c == 1);
       assert(!failed[b] || c == 0);
       assert(c == 0 || kind[b] != DATA || has_object[b]);
       p = next_begins;
       do
       :: p == 0 || p > PLACES -> break
       :: else -> assert(J[p] == 0 || !acked[J[p]]); p++
       od;
       b++
    od;
    p = image + 1;
    e = image_epoch;
    m = image_leader;
    do
    :: p > PLACES -> break
    :: J[p] == 0 -> break
    :: else ->
       if
       :: kind[J[p]] == EPOCH -> assert(under[J[p]] == e + 1); e = under[J[p]]; m = maker[J[p]]
       :: kind[J[p]] == DATA || kind[J[p]] == PLAN -> assert(under[J[p]] == e && maker[J[p]] == m)
       :: else
       fi;
       p++
    od
  }
}
