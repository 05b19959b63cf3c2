// The Go side of the kernel tables: <binary> <case> <numbers…>; prints "figure <number>".
package main

import (
	"context"
	"fmt"
	"math/rand"
	"net"
	"os"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

func main() {
	cases := map[string]func() float64{
		"gosched":   gosched,
		"closed":    closed,
		"channel":   channel,
		"spawn":     spawn,
		"tree":      tree,
		"memory":    memory,
		"timeout":   timeout,
		"sleepers":  sleepers,
		"roundtrip": roundtrip,
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
	return bestTimed(operations, func() time.Duration {
		begin := time.Now()
		pass()
		return time.Since(begin)
	})
}

// bestTimed is for passes of which only a part is to count.
func bestTimed(operations int, timedPass func() time.Duration) float64 {
	milliseconds, err := strconv.Atoi(os.Getenv("BENCH_MILLISECONDS"))
	if err != nil {
		milliseconds = 160
	}
	least := time.Duration(1 << 62)
	end := time.Now().Add(time.Duration(milliseconds) * time.Millisecond)
	for done := 0; done < 3 || time.Now().Before(end); done++ {
		if took := timedPass(); took < least {
			least = took
		}
	}
	return float64(least.Nanoseconds()) / float64(operations)
}

// gosched counts, as switch.mjs does for 100,000 tasks, from the first turn of a task that is under way to the end of the last.
func gosched() float64 {
	tasks, turns := number(0), number(1)
	return bestTimed(tasks*turns, func() time.Duration {
		var group sync.WaitGroup
		var begin, end time.Time
		group.Add(tasks)
		for task := 0; task < tasks; task++ {
			go func() {
				runtime.Gosched()
				if begin.IsZero() {
					begin = time.Now()
				}
				for turn := 0; turn < turns; turn++ {
					runtime.Gosched()
				}
				end = time.Now()
				group.Done()
			}()
		}
		group.Wait()
		return end.Sub(begin)
	})
}

// closed receives from a closed channel, which never blocks.
func closed() float64 {
	operations := number(0)
	channel := make(chan int)
	close(channel)
	return best(operations, func() {
		for i := 0; i < operations; i++ {
			<-channel
		}
	})
}

func channel() float64 {
	rounds := number(0)
	return best(2*rounds, func() {
		there, back := make(chan int), make(chan int)
		go func() {
			for round := 0; round < rounds; round++ {
				back <- <-there + 1
			}
		}()
		for value := 0; value < rounds; {
			there <- value
			value = <-back
		}
	})
}

func spawn() float64 {
	tasks := number(0)
	return best(tasks, func() {
		var group sync.WaitGroup
		group.Add(tasks)
		for task := 0; task < tasks; task++ {
			go func() { group.Done() }()
		}
		group.Wait()
	})
}

func node(result chan int, first, size int) {
	if size == 1 {
		result <- first
		return
	}
	children := make(chan int)
	for index := 0; index < 10; index++ {
		go node(children, first+index*size/10, size/10)
	}
	total := 0
	for index := 0; index < 10; index++ {
		total += <-children
	}
	result <- total
}

func tree() float64 {
	leaves := number(0)
	tasks := 0
	for level := leaves; level >= 1; level /= 10 {
		tasks += level
	}
	return best(tasks, func() {
		result := make(chan int)
		go node(result, 0, leaves)
		<-result
	})
}

func residentBytes() float64 {
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		panic(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(statm))[1])
	if err != nil {
		panic(err)
	}
	return float64(pages * os.Getpagesize())
}

func memory() float64 {
	tasks := number(0)
	runtime.GC()
	before := residentBytes()
	never := make(chan int)
	for task := 0; task < tasks; task++ {
		go func() { <-never }()
	}
	time.Sleep(200 * time.Millisecond)
	return (residentBytes() - before) / float64(tasks)
}

func timeout() float64 {
	tasks, calls := number(0), number(1)
	return best(tasks*calls, func() {
		var group sync.WaitGroup
		group.Add(tasks)
		for task := 0; task < tasks; task++ {
			go func() {
				for call := 0; call < calls; call++ {
					_, cancel := context.WithTimeout(context.Background(), 30*time.Second)
					runtime.Gosched()
					cancel()
				}
				group.Done()
			}()
		}
		group.Wait()
	})
}

func cpuMilliseconds() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err)
	}
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e6
}

func sleepers() float64 {
	tasks := number(0)
	before := cpuMilliseconds()
	var group sync.WaitGroup
	group.Add(tasks)
	for task := 0; task < tasks; task++ {
		duration := time.Duration(rand.Intn(1000)) * time.Millisecond
		go func() {
			time.Sleep(duration)
			group.Done()
		}()
	}
	group.Wait()
	return cpuMilliseconds() - before
}

// roundtrip sends one byte to and fro between two sockets beside a hundred goroutines that are always ready.
func roundtrip() float64 {
	work := time.Duration(number(0)) * time.Microsecond
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go func() {
		connection, _ := listener.Accept()
		buffer := make([]byte, 16)
		for {
			length, err := connection.Read(buffer)
			if err != nil {
				return
			}
			connection.Write(buffer[:length])
		}
	}()
	client, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		panic(err)
	}
	for task := 0; task < 100; task++ {
		go func() {
			for {
				for end := time.Now().Add(work); work > 0 && time.Now().Before(end); {
				}
				runtime.Gosched()
			}
		}()
	}
	trips := []float64{}
	buffer := make([]byte, 16)
	for end := time.Now().Add(500 * time.Millisecond); time.Now().Before(end); {
		begin := time.Now()
		client.Write([]byte("x"))
		client.Read(buffer)
		trips = append(trips, float64(time.Since(begin).Nanoseconds())/1000)
	}
	sort.Float64s(trips)
	return trips[len(trips)/2]
}
