// The Go side of the sync tables: <binary> <case> <numbers…>; prints "figure <number>".
package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"sync"
	"time"
)

func main() {
	cases := map[string]func() float64{
		"lock":       lock,
		"semaphores": semaphores,
		"condition":  condition,
		"event":      event,
		"ready":      ready,
		"queue":      queue,
		"select":     selecting,
		"pool":       pool,
	}
	fmt.Println("figure", cases[os.Args[1]]())
}

func number(position int) int {
	value, err := strconv.Atoi(os.Args[position+2])
	if err != nil {
		panic(err)
	}
	return value
}

// best gives the nanoseconds per operation of the best pass, as harness/passes.mjs does.
func best(operations int, pass func()) float64 {
	milliseconds, err := strconv.Atoi(os.Getenv("BENCH_MILLISECONDS"))
	if err != nil {
		milliseconds = 160
	}
	least := time.Duration(1 << 62)
	end := time.Now().Add(time.Duration(milliseconds) * time.Millisecond)
	for done := 0; done < 3 || time.Now().Before(end); done++ {
		begin := time.Now()
		pass()
		if took := time.Since(begin); took < least {
			least = took
		}
	}
	return float64(least.Nanoseconds()) / float64(operations)
}

// together runs the bodies, a goroutine each, and waits for all.
func together(bodies ...func()) {
	var group sync.WaitGroup
	group.Add(len(bodies))
	for _, body := range bodies {
		go func(body func()) {
			body()
			group.Done()
		}(body)
	}
	group.Wait()
}

func copies(count int, body func()) []func() {
	bodies := make([]func(), count)
	for index := range bodies {
		bodies[index] = body
	}
	return bodies
}

// checkItem is for tasks that get 0, 1, 2, …
func checkItem(item, expected int) {
	if item != expected {
		panic("an item is lost or out of order")
	}
}

func giveWay(times int) {
	for ; times > 0; times-- {
		runtime.Gosched()
	}
}

func lock() float64 {
	tasks, turns, yields := number(0), number(1), number(2)
	var mutex sync.Mutex
	bodies := copies(tasks, func() {
		for turn := 0; turn < turns; turn++ {
			mutex.Lock()
			giveWay(yields)
			mutex.Unlock()
		}
	})
	return best(tasks*turns, func() { together(bodies...) })
}

// semaphores are channels with room for one token.
func semaphores() float64 {
	rounds := number(0)
	ping, pong := make(chan struct{}, 1), make(chan struct{}, 1)
	ping <- struct{}{}
	player := func(own, other chan struct{}) func() {
		return func() {
			for round := 0; round < rounds; round++ {
				<-own
				other <- struct{}{}
			}
		}
	}
	return best(2*rounds, func() { together(player(ping, pong), player(pong, ping)) })
}

func condition() float64 {
	rounds := number(0)
	changed := sync.NewCond(&sync.Mutex{})
	turn := 0
	player := func(me int) func() {
		return func() {
			for round := 0; round < rounds; round++ {
				changed.L.Lock()
				for turn != me {
					changed.Wait()
				}
				turn = 1 - me
				changed.Signal()
				changed.L.Unlock()
			}
		}
	}
	return best(2*rounds, func() { together(player(0), player(1)) })
}

func event() float64 {
	waiters, events := number(0), number(1)
	return best(waiters*events, func() {
		all := make([]chan struct{}, events)
		for index := range all {
			all[index] = make(chan struct{})
		}
		waiting := func() {
			for _, event := range all {
				<-event
			}
		}
		setting := func() {
			for _, event := range all {
				runtime.Gosched()
				close(event)
			}
		}
		together(append(copies(waiters, waiting), setting)...)
	})
}

func ready() float64 {
	operations := number(0)
	channel := make(chan int, 16)
	return best(operations, func() {
		for item := 0; item < operations; item++ {
			channel <- item
			checkItem(<-channel, item)
		}
	})
}

func queue() float64 {
	size, items := number(0), number(1)
	return best(items, func() {
		channel := make(chan int, size)
		together(
			func() {
				for item := 0; item < items; item++ {
					channel <- item
				}
			},
			func() {
				for item := 0; item < items; item++ {
					checkItem(<-channel, item)
				}
			},
		)
	})
}

func selecting() float64 {
	items := number(0)
	return best(2*items, func() {
		one, two := make(chan int), make(chan int)
		putting := func(channel chan int) func() {
			return func() {
				for item := 0; item < items; item++ {
					channel <- item
				}
			}
		}
		together(putting(one), putting(two), func() {
			fromOne, fromTwo := 0, 0
			for index := 0; index < 2*items; index++ {
				select {
				case item := <-one:
					checkItem(item, fromOne)
					fromOne++
				case item := <-two:
					checkItem(item, fromTwo)
					fromTwo++
				}
			}
		})
	})
}

// pool starts a goroutine for each task as soon as the channel has room for its token.
func pool() float64 {
	size, tasks, yields := number(0), number(1), number(2)
	return best(tasks, func() {
		results := make([]int, tasks)
		places := make(chan struct{}, size)
		var group sync.WaitGroup
		group.Add(tasks)
		for task := 0; task < tasks; task++ {
			places <- struct{}{}
			go func(task int) {
				giveWay(yields)
				results[task] = task
				<-places
				group.Done()
			}(task)
		}
		group.Wait()
	})
}
