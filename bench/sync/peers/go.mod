module syncpeer

go 1.19
