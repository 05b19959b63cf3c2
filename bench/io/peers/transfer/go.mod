module transferpeer

go 1.19
