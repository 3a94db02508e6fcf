@echo off
rem Starts PhiScope on Windows, and sets it up the first time.
set "start=%~dp0resources\launchers\start.py"
where /q pyw && (start "" pyw -3 "%start%" %* & exit /b)
where /q pythonw && (start "" pythonw "%start%" %* & exit /b)
echo PhiScope needs Python 3.11 or newer, and there is none. Install it and start again.
pause
