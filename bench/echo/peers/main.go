// The Go side of the echo tables: the load for all servers, and Go's own server.
//
//	<binary> load <port> <connections> <bytes> <warm-up ms> <ms>
//	<binary> serve <connections> <bytes> <warm-up ms> <ms> <load command…>      prints "figure <number>"
package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

func main() {
	if os.Args[1] == "load" {
		load()
	} else {
		serve()
	}
}

func number(position int) int {
	value, err := strconv.Atoi(os.Args[position])
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// load keeps one message under way on each connection; prints "begin" when all are warm and "end <messages>" afterwards.
func load() {
	address := "127.0.0.1:" + os.Args[2]
	connections, size := number(3), number(4)
	var messages, over atomic.Int64
	var started sync.WaitGroup
	started.Add(connections)
	for index := 0; index < connections; index++ {
		go func() {
			connection, err := net.Dial("tcp", address)
			check(err)
			message, answer := make([]byte, size), make([]byte, size)
			for first := true; over.Load() == 0; first = false {
				_, err = connection.Write(message)
				check(err)
				_, err = io.ReadFull(connection, answer)
				check(err)
				messages.Add(1)
				if first {
					started.Done()
				}
			}
			connection.Close()
		}()
	}
	started.Wait()
	time.Sleep(time.Duration(number(5)) * time.Millisecond)
	fmt.Println("begin")
	before := messages.Load()
	time.Sleep(time.Duration(number(6)) * time.Millisecond)
	fmt.Println("end", messages.Load()-before)
	over.Store(1)
}

// serve echoes with a goroutine a connection, and gives the microseconds of its own CPU time per message.
func serve() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	go func() {
		for {
			connection, err := listener.Accept()
			check(err)
			go echo(connection)
		}
	}()
	port := strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
	shape, program, arguments := os.Args[2:6], os.Args[6], os.Args[7:]
	command := exec.Command(program, append(append(arguments, port), shape...)...)
	command.Env = append(os.Environ(), "GOMAXPROCS=0") // the load may use all processors
	output, err := command.StdoutPipe()
	check(err)
	check(command.Start())
	lines := bufio.NewScanner(output)
	lines.Scan()
	before := cpuTime()
	lines.Scan()
	spent := cpuTime() - before
	messages, err := strconv.Atoi(strings.Fields(lines.Text())[1])
	check(err)
	fmt.Println("figure", float64(spent)/float64(messages))
}

func echo(connection net.Conn) {
	buffer := make([]byte, 65536)
	for {
		count, err := connection.Read(buffer)
		if err != nil {
			connection.Close()
			return
		}
		if _, err = connection.Write(buffer[:count]); err != nil {
			return
		}
	}
}

// cpuTime gives the microseconds that this process has used.
func cpuTime() int64 {
	var usage syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return usage.Utime.Sec*1e6 + usage.Utime.Usec + usage.Stime.Sec*1e6 + usage.Stime.Usec
}
