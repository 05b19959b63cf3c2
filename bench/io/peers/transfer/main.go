// The Go side of the tables of files and bytes: <binary> <task> <time|CPU> <arguments…>; prints "figure <number>". The files are
// those of data.mjs, in the folder $BENCH_IO_FOLDER.
package main

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

var folder = os.Getenv("BENCH_IO_FOLDER")

func main() {
	tasks := map[string]func(what string) float64{"small-files": smallFiles, "copy": copyFile, "lines": lines, "receive": receive}
	fmt.Println("figure", tasks[os.Args[1]](os.Args[2]))
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

// nanoseconds gives those that work takes: of time, or of this process's CPU time.
func nanoseconds(what string, work func()) float64 {
	before := reading(what)
	work()
	return float64(reading(what) - before)
}

func reading(what string) int64 {
	if what == "time" {
		return time.Now().UnixNano()
	}
	var usage syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return syscall.TimevalToNsec(usage.Utime) + syscall.TimevalToNsec(usage.Stime)
}

// best gives the nanoseconds of the best of three passes, each of which is cleaned up after.
func best(what string, work, cleanUp func()) float64 {
	least := nanoseconds(what, work)
	cleanUp()
	for pass := 1; pass < 3; pass++ {
		least = math.Min(least, nanoseconds(what, work))
		cleanUp()
	}
	return least
}

func smallFiles(what string) float64 {
	count, atATime := number(3), number(5)
	source := filepath.Join(folder, fmt.Sprintf("small-%d-%d", count, number(4)))
	return nanoseconds(what, func() {
		paths := make(chan string)
		var readers sync.WaitGroup
		for index := 0; index < atATime; index++ {
			readers.Add(1)
			go func() {
				defer readers.Done()
				for path := range paths {
					_, err := os.ReadFile(path)
					check(err)
				}
			}()
		}
		for index := 0; index < count; index++ {
			paths <- filepath.Join(source, strconv.Itoa(index)+".txt")
		}
		close(paths)
		readers.Wait()
	}) / 1000 / float64(count)
}

// plainReader and plainWriter hide what io.Copy could use to have the kernel copy.
type plainReader struct{ io.Reader }
type plainWriter struct{ io.Writer }

func copyFile(what string) float64 {
	target := filepath.Join(folder, "copy")
	return best(what, func() {
		source, err := os.Open(filepath.Join(folder, "big-"+os.Args[3]))
		check(err)
		sink, err := os.Create(target)
		check(err)
		_, err = io.CopyBuffer(plainWriter{sink}, plainReader{source}, make([]byte, 262144))
		check(err)
		check(sink.Close())
	}, func() { check(os.Remove(target)) }) / 1e6
}

func lines(what string) float64 {
	file, err := os.Open(filepath.Join(folder, "lines-"+os.Args[3]))
	check(err)
	count, characters := 0, 0
	taken := nanoseconds(what, func() {
		for scanner := bufio.NewScanner(file); scanner.Scan(); count++ {
			characters += len(scanner.Text())
		}
	})
	return taken / float64(count)
}

func receive(what string) float64 {
	command := exec.Command(os.Args[3], os.Args[4:]...)
	output, err := command.StdoutPipe()
	check(err)
	check(command.Start())
	port, err := bufio.NewReader(output).ReadString('\n')
	check(err)
	figure := best(what, func() {
		connection, err := net.Dial("tcp", "127.0.0.1:"+strings.TrimSpace(port))
		check(err)
		target := make([]byte, 65536)
		for err == nil {
			_, err = connection.Read(target)
		}
		connection.Close()
	}, func() {})
	check(command.Process.Kill())
	return figure / 1e6
}
