# embed: files of schema/ as C. One string a file, and their table, which ends
# in a NULL name:  awk -f embed.awk -v table=NAME FILE...
function escape(line)
{
	gsub(/[\\"]/, "\\\\&", line)
	gsub(/\t/, "\\t", line)
	return line
}
FNR == 1 {
	if (files++)
		print "\";"
	name = FILENAME
	sub(/.*\//, "", name)
	names[files] = name
	printf "\nstatic const char %s_%d[] = \"", table, files
}
{ printf "\"\n\t\"%s\\n", escape($0) }
END {
	print "\";"
	printf "\nconst struct embedded_file %s[] = {\n", table
	for (i = 1; i <= files; i++)
		printf "\t{ \"%s\", %s_%d, sizeof(%s_%d) - 1 },\n", \
			names[i], table, i, table, i
	print "\t{ NULL, NULL, 0 },\n};"
}
