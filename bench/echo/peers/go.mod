module echopeer

go 1.19
